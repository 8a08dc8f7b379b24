// Beyond a plain container: labels of files
//
// linux.mountLabel: with SELinux each file has a label, kept in an attribute of
// its own. A filesystem that a container gets for itself has no labels yet, and
// context= names the one that all files in it have (mount(8), "FILESYSTEM-SPECIFIC
// MOUNT OPTIONS"). A bind mount shows files that have theirs. A kernel without
// SELinux does not know the option, and refuses the mount.

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// contextOption labels a filesystem before it is made. Those that show the kernel
// itself have their labels from SELinux's policy.
func contextOption(l *list, side plan.Side, fs plan.Ref, fstype, label string) {
	if label == "" || fstype == "proc" || fstype == "sysfs" || fstype == "cgroup2" || fstype == "mqueue" {
		return
	}
	l.add(side, "label all files in it", call.Fsconfig(fs, "context", label).
		Hint(0, "this kernel has no SELinux, or its policy has no such label: leave out linux.mountLabel"))
}

// fileLabel labels mqueue, whose filesystem is there since the IPC namespace is:
// too late for an option, but its root is a file that can be labelled.
func fileLabel(l *list, side plan.Side, mount plan.Ref, fstype, label string) {
	if label == "" || fstype != "mqueue" {
		return
	}
	const dir = plan.Ref("mqueue")
	l.add(side, "open its root directory", call.Openat(mount, ".", unix.O_RDONLY|unix.O_DIRECTORY).As(dir))
	l.add(side, "label it", call.Fsetxattr(dir, "security.selinux", label))
}
