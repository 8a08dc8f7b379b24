// Core 15 of 28: filesystems
//
// A filesystem is made by fsopen(2), one fsconfig(2) for each option, and one that
// creates it. fsmount(2) then returns a detached mount of it, with attributes of that
// mount: read-only, nosuid, … mount(2) did all this in one call.

package compile

import (
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// whatFor returns what a filesystem of the kernel is for.
func whatFor(fstype string) string {
	switch fstype {
	case "proc":
		return "procfs: processes of this pid namespace, and kernel parameters"
	case "sysfs":
		return "sysfs: devices, and links of this network namespace"
	case "tmpfs":
		return "tmpfs: files in memory"
	case "devpts":
		return "devpts: pseudo-terminals of its own"
	case "mqueue":
		return "mqueue: message queues of this IPC namespace"
	case "cgroup2":
		return "cgroup2: its own cgroup and those below"
	}
	return "a filesystem, not yet configured"
}

// makeFilesystem makes the filesystem of a mount and leaves it detached.
func makeFilesystem(l *list, side plan.Side, m *mount, linux *specs.Linux) {
	const fs = plan.Ref("fs")
	ref, fstype := mountRef(m.index), m.Type
	if fstype == "cgroup" {
		fstype = "cgroup2"
	}

	// the filesystem; contextOption and fileLabel set its SELinux label
	l.add(side, whatFor(fstype), call.Fsopen(fstype).As(fs))
	if m.Source != "" {
		l.add(side, "its source, as mountinfo shows it", call.Fsconfig(fs, "source", m.Source))
	}
	for _, option := range m.data {
		if side == plan.Host {
			option = optionOnHost(option, linux)
		}
		setOption(l, side, fs, option)
	}
	contextOption(l, side, fs, fstype, linux.MountLabel)
	l.add(side, "create the filesystem", call.Fscreate(fs))

	// the mount
	attributes := m.topAttributes().Set
	if m.readOnlyLater() {
		attributes &^= unix.MOUNT_ATTR_RDONLY
	}
	l.add(side, "a detached mount of it", call.Fsmount(fs, attributes).As(ref))
	fileLabel(l, side, ref, fstype, linux.MountLabel)
	propagate(l, side, ref, m.propagation, false)
}

// setOption sets an option of the filesystem's own, such as "size=64k".
func setOption(l *list, side plan.Side, fs plan.Ref, option string) {
	key, value, _ := strings.Cut(option, "=")
	l.add(side, "option "+printable.Quote(key), call.Fsconfig(fs, key, value))
}
