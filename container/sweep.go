package container

// What a kill -9 or a power cut leaves, the next command settles: lives whose
// keeper is gone, cgroups of processes that are gone, containers that were to be
// removed, names of containers that are not there, floors half laid.
//
// It takes the lock of containers/ for itself, so that it sees no folder whose
// owner has not locked it yet. If a container is being made at this moment the
// work is left to the next command. A container that is in order costs a look at
// a few of its files: only one that has a life, or is not whole, is opened and
// locked.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// cgroupParent is the cgroup that holds those of all containers.
const cgroupParent = "minictr"

// Remnant is something that a killed command has left, and that was put in order.
type Remnant struct {
	Kind string `json:"kind"` // container, cgroup, name or floor
	Name string `json:"name"` // its id, path or name
	What string `json:"what"` // was done: "removed", or how a life that nobody saw end is said to have ended
}

// Sweep settles what killed commands have left in the store's root. Who may not
// write there sees things as they were left; and a container that cannot be put in
// order stands in nobody's way: gc says why.
func Sweep(root string) error {
	_, _, err := sweep(root, lockfile.Try)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// sweep returns what it has put in order, and why it could not.
func sweep(root string, lock func(path string, how lockfile.Mode) (*os.File, error)) (left []Remnant, stuck []error, err error) {
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
	cgroups := listCgroups()
	for _, id := range ids {
		c := &Container{ID: id, root: root, dir: filepath.Join(containers, id)}
		what, err := c.settle(cgroups[id])
		if err != nil {
			stuck = append(stuck, fmt.Errorf("settle container %s: %w", id, err))
		} else if what != "" {
			left = append(left, Remnant{"container", id, what})
		}
	}
	store, err := images.Open(root)
	if err != nil {
		return left, stuck, err
	}
	names, err := sweepNames(root)
	if err != nil {
		return left, stuck, err
	}
	floors, err := sweepFloors(store.Layers().Dir())
	return slices.Concat(left, names, floors), stuck, err
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

// settle puts a container in order unless somebody has it, and tells what was done.
func (c *Container) settle(group string) (what string, err error) {
	if group == "" && c.whole() && !c.has(lifeName) && !c.has("watcher") {
		return "", nil
	}
	lock, err := lockfile.Try(c.dir, lockfile.Exclusive)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer lock.Close()
	lived, whole := c.has(lifeName), c.whole()
	if err := c.settleHeld(group); err != nil || !whole {
		return "removed", err
	}
	end, err := c.End()
	if lived && end != nil {
		return end.Why(), err
	}
	return "nobody watched over it any more", err
}

// settleHeld does so with a container that is locked.
func (c *Container) settleHeld(group string) error {
	if c.has(lifeName) {
		if err := c.lost(); err != nil {
			return err
		}
	}
	if group != "" {
		if err := cgroup.Remove(group); err != nil {
			return err
		}
	}
	if !c.whole() {
		return os.RemoveAll(c.dir)
	}
	return errors.Join(c.drop("watcher"), c.drop("sleeps"))
}

// whole: the folder is complete, and its container is not one of --rm.
func (c *Container) whole() bool {
	image, err := os.Stat(c.path("image"))
	return err == nil && image.Size() > 0 && !c.has("remove")
}

// lost ends a life that nobody watches over any more. If its end was written
// down, only the rest is to be done. Of one that nobody can read there is nothing
// else than its cgroup, which is called like the container.
func (c *Container) lost() error {
	life, err := c.life()
	if errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if isTorn(err) {
		end := c.nextEnd()
		end.Error, end.ExitCode = "lost: "+err.Error(), exitLost
		if err := c.saveEnd(end); err != nil {
			return err
		}
		return os.RemoveAll(c.path(lifeName))
	}
	if err != nil {
		return err
	}
	if last, err := c.End(); err != nil || last == nil || !last.Started.Equal(life.Record.Created) {
		end := c.nextEnd()
		end.Error, end.ExitCode = "lost: the process that watched over it was killed", exitLost
		if now, err := life.Record.ThisBoot(); err == nil && !now {
			end.Error = "lost: the machine went down"
		}
		if err := c.saveEnd(end); err != nil {
			return err
		}
	}
	return c.finish()
}

// exitLost stands for the exit code that nobody knows; docker's.
const exitLost = 255

func sweepNames(root string) (left []Remnant, err error) {
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
			left = append(left, Remnant{"name", filepath.Base(link), "removed"})
		}
	}
	return left, nil
}
