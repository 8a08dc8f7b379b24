package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Mount returns the mount point of cgroup2: /sys/fs/cgroup, or, on a machine that
// uses version 1 too, that of /proc/self/mountinfo, often /sys/fs/cgroup/unified. It
// is an error if cgroup2 is not mounted.
func Mount() (string, error) {
	const usual = "/sys/fs/cgroup"
	var fs unix.Statfs_t
	if err := unix.Statfs(usual, &fs); err == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
		return usual, nil
	}
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup2"))
	if err != nil {
		return "", err
	}
	if len(mounts) > 0 {
		return mounts[0].Mountpoint, nil
	}
	return "", hint.New(errors.New("cgroup2: not mounted"),
		"mount -t cgroup2 none /sys/fs/cgroup")
}

// Available returns the controllers that can be enabled below the mount point.
func Available(mount string) []string {
	data, err := os.ReadFile(filepath.Join(mount, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// killTimeout is how long Kill waits for killed processes to end.
const killTimeout = 10 * time.Second

// Remove kills every process in the cgroup at path, and removes it with all cgroups
// below, or waits until systemd has (scope.go). It is not an error if there is no such
// cgroup.
func Remove(path string) error {
	if Unit(path) != "" {
		return removeScope(path)
	}
	err := unix.Rmdir(path)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err := Kill(path); err != nil {
		return err
	}
	return removeAll(path)
}

// removeAll removes cgroups without processes: that at path, and all below it.
func removeAll(path string) error {
	below, err := directories(path)
	if err != nil {
		return err
	}
	for _, dir := range below {
		if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("rmdir %s: %w", dir, err)
		}
	}
	return nil
}

// Kill sends SIGKILL to every process in the cgroup and below it, and waits until
// they have ended, up to 10 seconds.
func Kill(path string) error {
	err := kill(path)
	if err == nil {
		err = waitEvent(path, "populated 0", killTimeout)
	}
	if IsGone(err) {
		return nil
	}
	return err
}

// kill writes cgroup.kill (Linux 5.14). A process that forks meanwhile does not
// escape: the kernel kills the group, not a list.
func kill(path string) error { return put(path, "cgroup.kill", "1") }

// IsGone reports whether err means that the cgroup does not exist, or was removed after
// a file of it was opened (ENODEV).
func IsGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// directories returns the cgroup and those below it, the deepest first.
func directories(path string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			dirs = append(dirs, p)
		}
		return err
	})
	slices.Reverse(dirs)
	return dirs, err
}
