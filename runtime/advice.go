package runtime

import (
	"errors"
	"os"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// A failed step already says which call it was, what the kernel answered and
// what it was for (walk.Error). Advice is what to do about it, for the
// failures that people meet.

// advise adds a hint to the error of a step.
func advise(err error) error {
	var e *walk.Error
	if !errors.As(err, &e) {
		return err
	}
	if text := advice(e); text != "" {
		return hint.New(err, text)
	}
	return err
}

func advice(e *walk.Error) string {
	s := e.Step
	switch {
	case e.Exec():
		return execAdvice(e)
	case s.Part == "cgroup" && s.Name == "write" && strings.HasPrefix(text(s, 1), `"+`) && (e.Errno == unix.EBUSY || e.Errno == unix.EOPNOTSUPP):
		return "there are processes in the topmost cgroup, as in a container that is to have containers: first move them to one below it"
	case s.Part == "cgroup" && s.Name == "write" && strings.HasPrefix(text(s, 1), `"+`):
		return cgroup.ControllerHint(strings.Trim(text(s, 1), `"+`))
	case s.Part == "cgroup" && s.Name == "mkdirat" && e.Errno == unix.EEXIST:
		return "a container of this id is running, or its cgroup was left behind"
	case s.Part == "cgroup" && s.Name == "openat" && e.Errno == unix.ENOENT:
		return "this kernel has no such limit"
	case strings.HasPrefix(s.From, "linux.netDevices: ") && s.Name == "read" && (s.Accept != nil || e.Errno == unix.EEXIST):
		return "the container's network has one of that name: give it another, or one like eth%d, whose number the kernel finds"
	case strings.HasPrefix(s.From, "linux.netDevices: ") && s.Name == "read" && e.Errno == unix.EINVAL:
		return "this device cannot leave its network"
	case strings.HasPrefix(s.From, "process.") && treatment(e) != "":
		return treatment(e)
	case s.Part == "sources" && e.Errno == unix.ENOENT:
		return "the source has to exist: mkdir -p " + strings.Trim(text(s, 1), `"`)
	case s.Name == "openat2" && e.Errno == unix.ELOOP:
		return "the image has a symbolic link where a folder or file has to be; it is not followed"
	case s.Name == "openat2" && s.Part == "attach" && e.Errno == unix.ENOENT:
		return "the image has no such place and it could not be made, or a link there leads nowhere"
	case s.Name == "move_mount" && e.Errno == unix.EINVAL:
		return "a folder goes on a folder, a file on a file; and without a new mount namespace it takes Linux 6.15"
	case s.Name == "fstatfs" && e.Errno == unix.EPERM && s.Side == plan.Host:
		return "only procfs may be mounted on /proc"
	case s.Name == "fsconfig" && strings.Contains(text(s, 2), "lowerdir+") && e.Errno == unix.EINVAL:
		return "an image of so many layers needs Linux 6.7"
	case s.Name == "prlimit64" && e.Errno == unix.EPERM:
		return "a hard limit can be lowered, but not raised without CAP_SYS_RESOURCE"
	case s.Name == "mount_setattr" && strings.Contains(text(s, 3), "IDMAP") && s.Part == "sources":
		return "this filesystem or kernel cannot show files with other owners: leave out idmap"
	case s.Name == "mount_setattr" && strings.Contains(text(s, 3), "IDMAP"):
		return "this filesystem or kernel cannot map ids: a user namespace needs Linux 6.15 for its layers"
	case s.Name == "mount_setattr" && s.Part == "attach" && e.Errno == unix.EINVAL:
		return "remount changes a mount that an earlier one of the list has put there"
	case s.Name == "fsconfig" && text(s, 0) == "@overlay" && s.Part == "attach":
		return "tmpcopyup stacks the image's folder once more, and its filesystem cannot be stacked: leave it out"
	case s.Name == "fsconfig" && text(s, 2) == `"context"`:
		return "this kernel has no SELinux, or SELinux does not know the label: leave out linux.mountLabel"
	case s.Part == "dev" && s.Name == "statx" && e.Errno == unix.EPERM:
		return "the image has another file where the device has to be"
	case (e.Errno == unix.EPERM || e.Errno == unix.EACCES) && os.Geteuid() != 0:
		return "containers are made by root: sudo minictr …"
	}
	return ""
}

// treatment is advice for how a config wants the process to be treated.
func treatment(e *walk.Error) string {
	switch {
	case e.Step.From == "process.oomScoreAdj" && e.Errno == unix.EACCES:
		return "it can be raised, but not lowered without CAP_SYS_RESOURCE"
	case e.Step.From == "process.apparmorProfile" && e.Step.Name == "write" && e.Errno == unix.ENOENT:
		return "there is no such profile: load it with apparmor_parser -r FILE"
	case e.Step.From == "process.apparmorProfile":
		return "this kernel does not run AppArmor: leave process.apparmorProfile out"
	case e.Step.From == "process.selinuxLabel":
		return "this kernel does not run SELinux, or its policy has no such label: leave process.selinuxLabel out"
	case e.Step.Name == "sched_setattr" && e.Errno == unix.EPERM:
		return "to be before others needs CAP_SYS_NICE on the host, and SCHED_DEADLINE all CPUs"
	case e.Step.Name == "sched_setattr" && e.Errno == unix.EINVAL:
		return "the kernel does not have this policy, or not with these numbers: sched(7)"
	}
	return ""
}

func execAdvice(e *walk.Error) string {
	switch e.Errno {
	case unix.ENOENT:
		return "there is no such program in the container, or the interpreter that it names is not there"
	case unix.EACCES:
		return "it is a folder, or not executable: chmod +x"
	case unix.ENOEXEC:
		return "it is no program for this machine: another architecture, or a script that does not begin with #!"
	}
	return ""
}

// text is an argument of the step as it is printed.
func text(s *plan.Step, i int) string {
	if i >= len(s.Args) {
		return ""
	}
	return s.Args[i].String()
}
