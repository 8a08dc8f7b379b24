package runtime

import (
	"fmt"
	"slices"
	"syscall"

	"github.com/moby/sys/mountinfo"
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

// HostProcfs returns where procfs and sysfs are mounted, for compile.Options: the last mount
// first, and a path as often as there are mounts on it.
func HostProcfs() (paths []string, err error) {
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("read the host's mounts: %w", err)
	}
	holds := map[string]bool{}
	for _, m := range mounts {
		holds[m.Mountpoint] = holds[m.Mountpoint] || m.FSType == "proc" || m.FSType == "sysfs"
	}
	for _, m := range slices.Backward(mounts) {
		if holds[m.Mountpoint] {
			paths = append(paths, m.Mountpoint)
		}
	}
	return paths, nil
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
