package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Leftover is something that a killed command has left, and that was put in order.
type Leftover struct {
	Kind string `json:"kind"` // container, cgroup, name or floor
	Name string `json:"name"` // its id, path or name
	What string `json:"what"` // was done: "removed", or how a life that nobody saw end is said to have ended
}

// Recover settles what killed commands have left in the store's root. Who may not
// write there sees things as they were left; and a container that cannot be put in
// order stands in nobody's way: gc says why.
func Recover(root string) error {
	_, _, err := RecoverStore(root, lockfile.Try)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// RecoverStore returns what it has put in order, and why it could not.
func RecoverStore(root string, lock func(path string, how lockfile.Mode) (*os.File, error)) (left []Leftover, stuck []error, err error) {
	containers := filepath.Join(root, "containers")
	all, err := lock(containers, lockfile.Exclusive)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer all.Close()
	ids, err := all.Readdirnames(-1)
	if err != nil {
		return nil, nil, err
	}
	cgroups := Cgroups()
	for _, id := range ids {
		c := &Container{ID: id, StoreRoot: root, Dir: filepath.Join(containers, id)}
		what, err := c.recoverUnlocked(cgroups[id])
		if err != nil {
			stuck = append(stuck, fmt.Errorf("settle container %s: %w", id, err))
		} else if what != "" {
			left = append(left, Leftover{"container", id, what})
		}
	}
	store, err := images.Open(root)
	if err != nil {
		return left, stuck, err
	}
	names, err := recoverNames(root)
	if err != nil {
		return left, stuck, err
	}
	initLayers, err := recoverInitLayer(store.Layers().Dir())
	return slices.Concat(left, names, initLayers), stuck, err
}

// Cgroups finds the cgroups that containers have, by id.
func Cgroups() map[string]string {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil
	}
	parent := filepath.Join(mount, config.CgroupParent)
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

// recoverUnlocked puts a container in order unless somebody has it, and tells what was done.
func (c *Container) recoverUnlocked(group string) (what string, err error) {
	if group == "" && c.isComplete() && !c.Has(TaskDir) && !c.Has(MonitorFile) {
		return "", nil
	}
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer lock.Close()
	lived, whole := c.Has(TaskDir), c.isComplete()
	if err := c.RecoverLocked(group); err != nil || !whole {
		return "removed", err
	}
	exit, err := c.ExitStatus()
	if lived && exit != nil {
		return exit.Describe(), err
	}
	return "nobody watched over it any more", err
}

// RecoverLocked does so with a container that is locked.
func (c *Container) RecoverLocked(group string) error {
	if c.Has(TaskDir) {
		if err := c.recoverTask(); err != nil {
			return err
		}
	}
	if group != "" {
		if err := cgroup.Remove(group); err != nil {
			return err
		}
	}
	if !c.isComplete() {
		return os.RemoveAll(c.Dir)
	}
	return errors.Join(c.RemoveFile(MonitorFile), c.RemoveFile(RestartingFile))
}

// isComplete: the folder is complete, and its container is not one of --rm.
func (c *Container) isComplete() bool {
	image, err := os.Stat(c.Path("image"))
	return err == nil && image.Size() > 0 && !c.Has("remove")
}

// recoverTask ends a life that nobody watches over any more. If its end was written
// down, only the rest is to be done. Of one that nobody can read there is nothing
// else than its cgroup, which is called like the container.
func (c *Container) recoverTask() error {
	task, err := c.Task()
	if errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if IsCorrupt(err) {
		exit := c.NextExitStatus()
		exit.Error, exit.ExitCode = "lost: "+err.Error(), exitLost
		if err := c.SaveExitStatus(exit); err != nil {
			return err
		}
		return os.RemoveAll(c.Path(TaskDir))
	}
	if err != nil {
		return err
	}
	if last, err := c.ExitStatus(); err != nil || last == nil || !last.Started.Equal(task.Record.Created) {
		exit := c.NextExitStatus()
		exit.Error, exit.ExitCode = "lost: the process that watched over it was killed", exitLost
		if now, err := task.Record.ThisBoot(); err == nil && !now {
			exit.Error = "lost: the machine went down"
		}
		if err := c.SaveExitStatus(exit); err != nil {
			return err
		}
	}
	return c.DeleteTask()
}

// exitLost stands for the exit code that nobody knows; docker's.
const exitLost = 255

func recoverNames(root string) (left []Leftover, err error) {
	links, err := filepath.Glob(filepath.Join(root, "names", "*"))
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		id, err := os.Readlink(link)
		if err != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, "containers", id)); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return left, err
			}
			left = append(left, Leftover{"name", filepath.Base(link), "removed"})
		}
	}
	return left, nil
}
