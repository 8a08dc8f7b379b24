// Beyond a plain container: which attributes of its source a bind mount keeps
//
// A clone of a mount has the attributes of the original: a bind mount without options keeps
// them all. With any option that names an attribute, it has those that the options name, and
// the others of the source are off: so runc and crun do it, as mount(2) does with MS_REMOUNT.
// A bind mount with nosuid alone of a read-only source is writable.
//
// Two things stay. Access times are one choice of three: they stay unless an option chooses
// (noatime, relatime, strictatime, nodiratime); one that only takes a choice back (atime,
// diratime, norelatime, nostrictatime) changes nothing. And what a mount of the host forbids,
// a user namespace does not permit (mount_namespaces(7), "Restrictions on mount namespaces"):
// there ro, nosuid, nodev, noexec and the choice of access times are locked. Those that no
// option names stay, and an option that would change one is an error.

package compile

import (
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	lockable = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	atimes   = unix.MOUNT_ATTR__ATIME | unix.MOUNT_ATTR_NODIRATIME
)

// completeBind adds the attributes of the source that are off, if an option names one.
func (m *mount) completeBind(linux *specs.Linux) {
	if !m.bind || m.remount || !m.namesAttribute() {
		return
	}
	off := uint64(unix.MOUNT_ATTR_NOSYMFOLLOW)
	if !inUserns(linux) {
		off |= lockable
	}
	if m.choosesAtime() {
		off |= unix.MOUNT_ATTR_NODIRATIME
		m.top.Clear |= unix.MOUNT_ATTR__ATIME
	}
	m.top.Clear |= off &^ (m.top.Set | m.tree.Set | m.tree.Clear)
}

// namesAttribute reports whether an option names an attribute of this mount alone.
func (m *mount) namesAttribute() bool {
	return slices.ContainsFunc(m.Options, func(word string) bool {
		_, _, ok := attribute(word)
		return ok
	})
}

// choosesAtime reports whether an option chooses when access times are written.
func (o *mountOpts) choosesAtime() bool {
	return o.top.Clear&unix.MOUNT_ATTR__ATIME != 0 || o.top.Set&unix.MOUNT_ATTR_NODIRATIME != 0
}

func inUserns(linux *specs.Linux) bool {
	return linux != nil && slices.ContainsFunc(linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.UserNamespace
	})
}

// checkLocked fails if an option would change an attribute that is locked in a user namespace.
func checkLocked(l *list, side plan.Side, m *mount, linux *specs.Linux) {
	const stNoatime, stNodiratime, stRelatime = 0x400, 0x800, 0x1000 // flags of statfs(2)
	const locked = "leave out the option: in a user namespace the attribute of the source stays"
	if !inUserns(linux) {
		return
	}
	ref := mountRef(m.index)
	if bits := m.top.Clear & lockable; bits != 0 { // statfs(2) has the same bits
		l.add(side, "fail if an option clears an attribute of the source: it is locked",
			call.FstatfsFlags(ref, bits, 0).Hint(unix.EPERM, locked))
	}
	if !m.choosesAtime() {
		return
	}
	flags := uint64(stRelatime)
	switch m.top.Set & unix.MOUNT_ATTR__ATIME {
	case unix.MOUNT_ATTR_NOATIME:
		flags = stNoatime
	case unix.MOUNT_ATTR_STRICTATIME:
		flags = 0
	}
	if m.top.Set&unix.MOUNT_ATTR_NODIRATIME != 0 {
		flags |= stNodiratime
	}
	l.add(side, "fail if an option chooses other access times than the source has: they are locked",
		call.FstatfsFlags(ref, stNoatime|stNodiratime|stRelatime, flags).Hint(unix.EPERM, locked))
}
