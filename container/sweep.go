package container

// What a kill -9 leaves, the next command removes: cgroups of processes that
// are gone (the kernel has ended them already), containers that were to be
// removed, names of containers that are not there, floors half laid.
//
// It takes the lock of containers/ for itself, so that it sees no folder whose
// owner has not locked it yet. If a container is being made at this moment the
// work is left to the next command. A container that is kept costs a look at
// two of its files: only one that has a cgroup, or is not whole, is opened and
// locked.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// cgroupParent is the cgroup that holds those of all containers.
const cgroupParent = "minictr"

// sweep removes what killed commands have left in the store's root.
func sweep(root, layers string) error {
	containers := filepath.Join(root, "containers")
	all, err := lockFolder(containers, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer all.Close()
	ids, err := all.Readdirnames(-1)
	if err != nil {
		return err
	}
	cgroups := listCgroups()
	for _, id := range ids {
		if err := sweepOne(filepath.Join(containers, id), cgroups[id]); err != nil {
			return fmt.Errorf("sweep container %s: %w", id, err)
		}
	}
	return errors.Join(sweepNames(root), sweepFloors(layers))
}

// listCgroups finds the cgroups that containers have, by id.
func listCgroups() map[string]string {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil
	}
	parent := filepath.Join(mount, cgroupParent)
	entries, err := os.ReadDir(parent)
	if err != nil {
		return nil
	}
	cgroups := make(map[string]string)
	for _, e := range entries {
		cgroups[e.Name()] = filepath.Join(parent, e.Name())
	}
	return cgroups
}

// sweepOne cleans up a container unless somebody runs it.
func sweepOne(path, group string) error {
	if group == "" && keep(path) {
		return nil // it has ended as it should
	}
	lock, err := lockFolder(path, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if group != "" {
		if err := cgroup.Remove(group); err != nil {
			return err
		}
	}
	if keep(path) {
		return nil
	}
	return os.RemoveAll(path)
}

// keep: the folder is complete, and its container is not one of --rm.
func keep(path string) bool {
	image, err := os.Stat(filepath.Join(path, "image"))
	_, remove := os.Stat(filepath.Join(path, "remove"))
	return err == nil && image.Size() > 0 && errors.Is(remove, fs.ErrNotExist)
}

func sweepNames(root string) error {
	links, err := filepath.Glob(filepath.Join(root, "names", "*"))
	if err != nil {
		return err
	}
	for _, link := range links {
		id, err := os.Readlink(link)
		if err != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, "containers", id)); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
