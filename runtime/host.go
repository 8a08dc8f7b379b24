package runtime

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Permitted is the capabilities of this process, a bit for each (capget(2)), for
// plan.Options: no container can be given others.
func Permitted() (set uint64, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var halves [2]unix.CapUserData
	if err := unix.Capget(&header, &halves[0]); err != nil {
		return 0, fmt.Errorf("capget: %w", err)
	}
	return uint64(halves[0].Permitted) | uint64(halves[1].Permitted)<<32, nil
}

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
