package runtime

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Permitted returns the permitted capabilities of this process, a bit each (capget(2)),
// for compile.Options: a container can have no others.
func Permitted() (set uint64, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var halves [2]unix.CapUserData
	if err := unix.Capget(&header, &halves[0]); err != nil {
		return 0, fmt.Errorf("capget: %w", err)
	}
	return uint64(halves[0].Permitted) | uint64(halves[1].Permitted)<<32, nil
}

// OpenFiles returns the limit of open files (setrlimit(2)) that this program was started
// with, for compile.Options: the container inherits it. Go raises the soft limit at
// start-up, and only syscall.Exec restores it, before execve(2): an Exec of no file
// reveals it. Afterwards the limit is raised to the hard one, for the descriptors of a
// plan with many mounts.
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
