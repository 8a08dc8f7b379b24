package compile

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A namespace gives a process its own view of one kind of thing: process
// numbers, mounts, host names, network links (namespaces(7)). clone3 makes
// all of them at once, in the call that starts the process, with exceptions
// that this file is about:
//
//   - The cgroup namespace. Its root is the cgroup of the process that makes
//     it. During clone3 that is still the host's process, so the child makes
//     it later, when it lives in the container's cgroup.
//   - The user namespace. It is made by clone3, and before all others, so that
//     it owns them; but it is worth nothing until a process outside has
//     written which ids it maps. The child waits for that.

// namespaces that exist as soon as clone3 returns.
var cloneNamespaces = []struct {
	kind specs.LinuxNamespaceType
	flag uint64
}{
	{specs.UserNamespace, unix.CLONE_NEWUSER},
	{specs.PIDNamespace, unix.CLONE_NEWPID},
	{specs.MountNamespace, unix.CLONE_NEWNS},
	{specs.UTSNamespace, unix.CLONE_NEWUTS},
	{specs.IPCNamespace, unix.CLONE_NEWIPC},
	{specs.NetworkNamespace, unix.CLONE_NEWNET},
}

// flagOf is the CLONE_ flag of a kind of namespace, 0 for an unknown one.
func flagOf(kind specs.LinuxNamespaceType) uint64 {
	switch kind {
	case specs.CgroupNamespace:
		return unix.CLONE_NEWCGROUP
	case specs.TimeNamespace:
		return unix.CLONE_NEWTIME
	}
	for _, n := range cloneNamespaces {
		if n.kind == kind {
			return n.flag
		}
	}
	return 0
}

// isNew tells whether the container gets a new namespace of this kind.
func (b *builder) isNew(kind specs.LinuxNamespaceType) bool {
	return b.has(kind) && b.options.Join == nil && !b.joins(kind)
}

// clone starts the child.
func (b *builder) clone() error {
	b.begin("clone", "linux.namespaces")
	b.openNamespaces()
	if err := b.newTime(); err != nil {
		return err
	}
	b.begin("clone", "linux.namespaces")
	f := uint64(unix.CLONE_CLEAR_SIGHAND)
	if b.borrowsMemory() {
		f |= unix.CLONE_VM | unix.CLONE_VFORK
	}
	for _, n := range cloneNamespaces {
		if b.isNew(n.kind) {
			f |= n.flag
		}
	}
	cgroup := plan.Ref("")
	if b.options.Cgroup2 != "" {
		cgroup = cgroupFd
	}
	if b.needsJoiner() {
		b.cloneInside(f, cgroup)
	} else {
		s := call.Clone3(f, cgroup).As(plan.Pid)
		s.Child = plan.Container
		b.cloneInto(s)
	}
	b.host("a hold on the process itself: its number could be given to another", plan.Syscall("pidfd_open", unix.SYS_PIDFD_OPEN, plan.Pid, plan.Int(0)).As(plan.Pidfd))
	if b.isNew(specs.UserNamespace) {
		b.mapIDs(plan.Pid)
		b.host("tell the child that its ids are mapped", call.Write(plan.ResumeWrite, "."))
	}
	return nil
}

// borrowsMemory tells whether the child may use the host's own memory until it
// leaves this program, while the host stands still: as vfork(2), it saves the
// copy. Not where it has to wait for the host; nor where others live, who might
// look into it; and clocks are set off only for a process with its own memory.
func (b *builder) borrowsMemory() bool {
	return !b.waits() && b.pidDoor() == "" && !b.needsJoiner() && !b.has(specs.TimeNamespace) &&
		b.options.Join == nil && b.has(specs.PIDNamespace)
}

// HostID is what an id inside a user namespace is outside. Without mappings
// there is no user namespace, and it is the same.
func HostID(id uint32, maps []specs.LinuxIDMapping) (uint32, error) {
	if len(maps) == 0 {
		return id, nil
	}
	for _, m := range maps {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return m.HostID + (id - m.ContainerID), nil
		}
	}
	return 0, fmt.Errorf("id %d: in none of the id mappings", id)
}

// mapIDs writes what the ids of a process's user namespace mean outside.
func (b *builder) mapIDs(process plan.Ref) {
	b.writeIDMaps(process, "linux", b.linux.UIDMappings, b.linux.GIDMappings)
}

func idMapLines(maps []specs.LinuxIDMapping) string {
	var s strings.Builder
	for _, m := range maps {
		fmt.Fprintf(&s, "%d %d %d\n", m.ContainerID, m.HostID, m.Size)
	}
	return s.String()
}

// becomeRoot takes the id 0 of a user namespace, once it is mapped.
func (b *builder) becomeRoot() {
	if !b.has(specs.UserNamespace) {
		return
	}
	b.from = "linux.uidMappings"
	if b.isNew(specs.UserNamespace) {
		b.await("wait until the host has mapped the ids", plan.Alive)
	}
	b.container("the groups of the host's user are left behind", call.Setgroups(nil))
	b.container("root's group of the user namespace", call.Setresgid(0))
	b.container("root of the user namespace: it owns the namespaces and may furnish them", call.Setresuid(0))
}

// names gives the new namespaces what they need to be of use.
func (b *builder) names() error {
	if b.isNew(specs.CgroupNamespace) {
		b.begin("namespaces", "linux.namespaces")
		b.container("its own cgroup is the root of what it sees: not asked of clone3, which would have taken the host's", call.Unshare(unix.CLONE_NEWCGROUP))
	}
	if b.spec.Hostname != "" {
		b.begin("namespaces", "hostname")
		b.container("the name of this machine, in this UTS namespace alone", call.Sethostname(b.spec.Hostname))
	}
	if b.spec.Domainname != "" {
		b.begin("namespaces", "domainname")
		b.container("its domain, likewise", call.Setdomainname(b.spec.Domainname))
	}
	if b.isNew(specs.NetworkNamespace) {
		b.loopback()
	}
	return nil
}

// loopback brings up lo: a new network namespace has it, but down.
func (b *builder) loopback() {
	b.begin("namespaces", "linux.namespaces")
	const ifreqSize, flagsOffset = 40, 16
	req := &plan.Mem{Bytes: make([]byte, ifreqSize), Text: `{ifr_name="lo", ifr_flags=IFF_UP}`}
	copy(req.Bytes, "lo")
	binary.NativeEndian.PutUint16(req.Bytes[flagsOffset:], unix.IFF_UP)
	b.container("any socket will do to speak of links", plan.Syscall("socket", unix.SYS_SOCKET,
		plan.Named(unix.AF_INET, "AF_INET"), plan.Named(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, "SOCK_DGRAM|SOCK_CLOEXEC"), plan.Int(0)).As("socket"))
	b.container("a new network namespace has one link, lo, and it is down", call.Ioctl(plan.Ref("socket"), "SIOCSIFFLAGS", unix.SIOCSIFFLAGS, req))
}
