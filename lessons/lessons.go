package lessons

import (
	"fmt"

	"github.com/minictr/minictr/hint"
)

// list holds all lessons, in the order of their numbers.
var list = []Lesson{
	{1, Build, "process", "A process", "clone3 and execve", checkProcess},
	{2, Build, "chroot", "Another root, by chroot", "chroot, and the escape", checkChroot},
	{3, Build, "pivot-root", "Another root, by pivot_root", "a mount namespace", checkPivotRoot},
	{4, Build, "pid-namespace", "Process numbers of its own", "a pid namespace and /proc", checkPidNamespace},
	{5, Build, "layers", "A root of layers", "overlayfs, whiteouts", checkOverlay},
	{6, Build, "unpack", "Unpacking a layer", "tar, and names that lead out", checkUnpack},
	{7, Build, "cgroup", "A control group", "limits, and a handle on all processes", checkCgroup},
	{8, Build, "privileges", "User and capabilities", "a user, capabilities, no_new_privs", checkPrivileges},
	{9, Build, "devices", "Devices and masks", "/dev, masked files of /proc", checkDevices},
	{10, Build, "seccomp", "A filter of system calls", "seccomp, by hand", checkSeccomp},
	{11, Build, "exec", "Another process in a container", "setns", checkExec},
	{12, Build, "wait", "Who waits", "an init: signals, zombies, exit codes", checkWait},
	{13, Build, "config", "The OCI config", "bundles, and a small runtime", checkConfig},
	{14, Understand, "machine", "A container and a virtual machine", "one kernel for both", checkMachine},
	{15, Understand, "image", "An image and a container", "a directory for changes", checkImage},
	{16, Understand, "layers", "Layers and their reuse", "stored once, and never gone", checkLayers},
	{17, Understand, "time", "Where the time goes", "the price of a namespace", checkTime},
	{18, Understand, "limits", "Limits, and what happens at them", "of a process, and of a cgroup", checkLimits},
	{19, Understand, "signals", "Signals and process 1", "why stopping may take ten seconds", checkSignals},
	{20, Understand, "root", "What root in a container may do", "capabilities", checkRoot},
}

// All returns all lessons, in the order of their numbers.
func All() []Lesson { return list }

// ByNumber returns the lesson of a number.
func ByNumber(n int) (*Lesson, error) {
	for i := range list {
		if list[i].Number == n {
			return &list[i], nil
		}
	}
	return nil, hint.New(fmt.Errorf("lesson %d: no such lesson", n), "minictr lesson")
}
