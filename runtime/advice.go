package runtime

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/minictr/minictr/hint"
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
	case s.Part == "cgroup" && s.Name == "write" && strings.HasPrefix(text(s, 1), `"+`):
		return fmt.Sprintf("this machine's cgroup v2 does not offer the controller %q: leave the limit out, or boot with cgroup_no_v1=all",
			strings.Trim(text(s, 1), `"+`))
	case s.Part == "cgroup" && s.Name == "mkdirat" && e.Errno == unix.EEXIST:
		return "a container of this id is running, or its cgroup was left behind"
	case s.Part == "sources" && e.Errno == unix.ENOENT:
		return "the source has to exist: mkdir -p " + strings.Trim(text(s, 1), `"`)
	case s.Name == "openat2" && e.Errno == unix.ELOOP:
		return "the image has a symbolic link where a folder or file has to be; it is not followed"
	case s.Name == "openat2" && s.Part == "attach" && e.Errno == unix.ENOENT:
		return "the image has no such place and it could not be made, or a link there leads nowhere"
	case s.Name == "move_mount" && e.Errno == unix.EINVAL:
		return "a folder goes on a folder, a file on a file"
	case s.Name == "fstatfs" && e.Errno == unix.EPERM && s.Side == plan.Host:
		return "only procfs may be mounted on /proc"
	case s.Name == "fsconfig" && strings.Contains(text(s, 2), "lowerdir+") && e.Errno == unix.EINVAL:
		return "an image of so many layers needs Linux 6.7"
	case s.Name == "prlimit64" && e.Errno == unix.EPERM:
		return "a hard limit can be lowered, but not raised without CAP_SYS_RESOURCE"
	case s.Name == "mount_setattr" && strings.Contains(text(s, 3), "IDMAP"):
		return "this filesystem or kernel cannot map ids: a user namespace needs Linux 6.15 for its layers"
	case (e.Errno == unix.EPERM || e.Errno == unix.EACCES) && os.Geteuid() != 0:
		return "containers are made by root: sudo minictr …"
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
