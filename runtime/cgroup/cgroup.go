// Package cgroup knows the files of a control group, version 2.
//
// A cgroup is a folder in a filesystem of type cgroup2. The processes in it
// stand in cgroup.procs; a limit is a file such as memory.max, and to set it
// is to write a number there. The files of a controller ("memory") are there
// only if every folder above lists it in cgroup.subtree_control.
//
// Making and filling the folder is part of the plan (package plan); here are
// the facts that the plan needs (where cgroup2 is mounted, which file holds
// which limit of the OCI config), and the end of a cgroup, when no plan runs
// any more: kill all in it, wait until it is empty, remove it.
//
// The source for all of it is Documentation/admin-guide/cgroup-v2.rst in the
// kernel.
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

// Mount finds where cgroup2 is mounted. On a pure v2 machine that is
// /sys/fs/cgroup; where version 1 is still in use /proc/self/mountinfo knows
// (proc(5)), and it is often /sys/fs/cgroup/unified. Version 1 alone is an error.
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
	return "", hint.New(errors.New("find a cgroup2 mount in /proc/self/mountinfo: there is none"),
		"mount one with: mount -t cgroup2 none /sys/fs/cgroup")
}

// Available lists the controllers that cgroups below the mount could be given.
func Available(mount string) []string {
	data, err := os.ReadFile(filepath.Join(mount, "cgroup.controllers"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// killTimeout is how long Remove waits for killed processes to be gone.
const killTimeout = 10 * time.Second

// Remove kills every process in the cgroup at path, and removes it with all
// cgroups below. That it is not there is no error.
func Remove(path string) error {
	err := unix.Rmdir(path)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err := Kill(path); err != nil {
		return err
	}
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

// RemoveEmpty removes a cgroup without processes, and all below it. The error is
// EBUSY if there is one.
func RemoveEmpty(path string) error {
	events, err := get(path, "cgroup.events")
	if err == nil && strings.Contains(events, "populated 1") {
		err = unix.EBUSY
	}
	var below []string
	if err == nil {
		below, err = directories(path)
	}
	for _, dir := range below {
		if err == nil {
			err = unix.Rmdir(dir)
		}
	}
	if err != nil {
		return fmt.Errorf("rmdir %s: %w", path, err)
	}
	return nil
}

// Kill sends SIGKILL to every process in the cgroup and below it, and waits
// until they are gone.
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

// kill: processes that fork meanwhile do not escape, the kernel kills the
// group and not a list (Linux 5.14).
func kill(path string) error { return put(path, "cgroup.kill", "1") }

// gone: there is no such cgroup, or no more since a file of it was opened.
func IsGone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) }

// directories lists the cgroup and those below it, the deepest first.
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
