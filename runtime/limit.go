package runtime

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// OpenFiles is the limit of open files (setrlimit(2)) that this program was
// started with, for plan.Options: the container inherits it. When a program
// begins Go raises the soft limit, and only syscall.Exec gives the old one back,
// right before it tries: so an Exec of no file shows it. Then it is raised again,
// for the descriptors that a plan of many mounts needs.
func OpenFiles() (limit unix.Rlimit, err error) {
	syscall.Exec("", nil, nil)
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return limit, fmt.Errorf("getrlimit(RLIMIT_NOFILE): %w", err)
	}
	raised := unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return limit, fmt.Errorf("setrlimit(RLIMIT_NOFILE): %w", err)
	}
	return limit, nil
}
