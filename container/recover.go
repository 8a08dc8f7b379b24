package container

// Recovery removes what a kill -9 or a power cut left: tasks whose parent process is gone,
// and their cgroups; containers that were to be removed or are not complete; names without
// a container; incomplete init layers and volumes.
//
// It holds the lock of containers/ exclusively, so that it sees no directory that its
// creator has not locked yet. A container in order costs a look at a few of its files:
// only one that has a task, a monitor or a cgroup, or is not complete, is locked.
//
// Commands that list containers recover all of them, and so does gc. Each other command
// recovers the container it was given; the others, too, but those of a large store at most
// once a minute: it does not become slower with the number of containers.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Leftover is something that a killed command left, and that was recovered.
type Leftover struct {
	Kind string `json:"kind"` // container, name, init or volume
	Name string `json:"name"` // an ID, a path or a name
	What string `json:"what"` // what was done: "removed", or the exit status that was recorded
}

// The modification time of recoveredFile, in the store, is when a store with more than
// largeStore containers was recovered.
const (
	largeStore     = 64
	recoveredFile  = "recovered"
	recoveryPeriod = time.Minute
)

// Recover recovers what killed commands left in the store at root; a large one at most once
// in recoveryPeriod. Without write permission it does nothing. A container that cannot be
// recovered does not keep a command from its work; gc reports the error.
func Recover(root string) error {
	return recoverWith(root, func(path string, how lockfile.Mode) (*os.File, error) {
		last, err := os.Lstat(filepath.Join(root, recoveredFile))
		if err == nil && time.Since(last.ModTime()).Abs() < recoveryPeriod {
			return nil, unix.EWOULDBLOCK
		}
		return lockfile.Try(path, how)
	})
}

// recoverWith is Recover with a lock of containers/.
func recoverWith(root string, lock locker) error {
	_, _, err := RecoverStore(root, lock)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}

// locker is lockfile.Try, or a lockfile.Lock that waits.
type locker = func(path string, how lockfile.Mode) (*os.File, error)

// RecoverStore returns what it recovered, and an error for each container that it could
// not recover. It takes the lock of containers/ with lock; if another command holds that
// lock, it does nothing.
func RecoverStore(root string, lock locker) (left []Leftover, stuck []error, err error) {
	// exclude commands that create containers
	if marked, err := owned.Check(root, owned.Store); !marked {
		return nil, nil, err
	}
	containers := filepath.Join(root, "containers")
	all, err := lock(containers, lockfile.Exclusive)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	defer all.Close()
	// recover each container whose lock is free
	names, err := all.Readdirnames(-1)
	if err != nil {
		return nil, nil, err
	}
	ids := slices.DeleteFunc(names, func(name string) bool { return !IsID(name) })
	for _, id := range ids {
		c := &Container{ID: id, StoreRoot: root, Dir: filepath.Join(containers, id)}
		what, err := c.recoverUnlocked()
		if err != nil {
			stuck = append(stuck, fmt.Errorf("recover container %s: %w", id, err))
		} else if what != "" {
			left = append(left, Leftover{"container", id, what})
		}
	}
	// then names without a container, and incomplete init layers
	store, err := images.Open(root)
	if err != nil {
		return left, stuck, err
	}
	freed, err := recoverNames(root)
	if err != nil {
		return left, stuck, err
	}
	initLayers, err := recoverInitLayer(store.Layers().Dir())
	if len(ids) > largeStore {
		os.WriteFile(filepath.Join(root, recoveredFile), nil, 0o600) // an error: the next command recovers again
	}
	volumes, volumeErr := volume.Recover(volume.Dir(root))
	for _, name := range volumes {
		left = append(left, Leftover{"volume", name, "removed"})
	}
	return slices.Concat(left, freed, initLayers), stuck, errors.Join(err, volumeErr)
}

// Cgroups returns the paths of the cgroups of containers in all stores, by ID.
func Cgroups() map[string]string {
	mount, err := cgroup.Mount()
	if err != nil {
		return nil
	}
	parent := filepath.Join(mount, config.Host{Scope: config.ScopeOf(mount)}.CgroupParent())
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

// recoverID recovers a container if there is one of this ID, which may be the text of a
// link in names/. gc reports the error.
func recoverID(root, id string) {
	if IsID(id) {
		c := &Container{ID: id, StoreRoot: root, Dir: filepath.Join(root, "containers", id)}
		c.recoverUnlocked()
	}
}

// recoverUnlocked recovers a container unless its lock is held, and returns what was
// done, "" for nothing.
func (c *Container) recoverUnlocked() (what string, err error) {
	hasTask := c.Has(TaskDir) || c.Has(state.Creating(TaskDir))
	if c.isComplete() && !hasTask && !c.Has(MonitorFile) || !owned.IsDir(c.Dir) {
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
	hadTask, complete := c.Has(TaskDir), c.isComplete()
	if err := c.RecoverLocked(); err != nil || !complete {
		return "removed", err
	}
	exit, err := c.ExitStatus()
	if hadTask && exit != nil {
		return exit.Describe(), err
	}
	return "the monitor was killed", err
}

// RecoverLocked recovers a container whose lock the caller holds.
func (c *Container) RecoverLocked() error {
	if err := c.recoverTask(); err != nil {
		return err
	}
	if !c.isComplete() {
		c.recoverDestroyEvent()
		if err := c.RemoveFile("image"); err != nil {
			return err
		}
		volumes, _ := readVolumes(c.Dir) // what cannot be read names none
		if c.Has(keepVolumesFile) {
			volumes = nil
		}
		if err := removeVolumes(c.StoreRoot, volumes, false); errors.Is(err, unix.EWOULDBLOCK) {
			return nil // the next recovery removes it
		} else if err != nil {
			return err
		}
		return errors.Join(c.freeName(), removeFiles(c.Dir))
	}
	return errors.Join(c.RemoveFile(MonitorFile), c.RemoveFile(RestartingFile))
}

// isComplete reports whether the directory is a container that is to be kept.
func (c *Container) isComplete() bool {
	image, err := os.Stat(c.Path("image"))
	return err == nil && image.Size() > 0 && !c.Has("remove")
}

// recoverTask deletes a task without a monitor, if there is one, and records its exit status
// unless the monitor did. One that is not complete is deleted by Task. A copied task is
// removed, and nothing killed: its process and its cgroup are those of the container that
// was copied.
func (c *Container) recoverTask() error {
	// read the task
	task, taskErr := c.Task()
	if errors.Is(taskErr, state.ErrNotExist) {
		return owned.RemoveAll(c.Path(TaskDir)) // it has no record
	}
	if taskErr != nil && !IsCorrupt(taskErr) {
		return taskErr
	}
	// record its exit status, and delete it
	exit, err := c.ExitStatus()
	if err != nil || exit == nil || !exit.Started.Equal(task.Record.Created) {
		exit = c.NextExitStatus()
		exit.Error, exit.ExitCode = "exit status unknown: the monitor was killed", exitUnknown
		if taskErr != nil {
			exit.Error = "exit status unknown: " + taskErr.Error()
		} else if isCopied(c, task) {
			exit.Error = "exit status unknown: the container was copied while it ran"
		} else if now, err := task.Record.ThisBoot(); err == nil && !now {
			exit.Error = "exit status unknown: the machine went down"
		}
		if err := c.SaveExitStatus(exit); err != nil {
			return err
		}
	}
	c.recoverDieEvent(exit)
	if taskErr == nil && isCopied(c, task) {
		return owned.RemoveAll(c.Path(TaskDir))
	}
	return c.DeleteTask()
}

// isCopied reports whether a task was created in another directory, of which this is a
// copy.
func isCopied(c *Container, task *state.Dir) bool {
	from, err := os.Stat(task.Record.Bundle)
	if err != nil {
		return false
	}
	here, err := os.Stat(c.Dir)
	return err == nil && !os.SameFile(from, here)
}

// recoverNames removes names of containers that no longer exist.
func recoverNames(root string) (left []Leftover, err error) {
	names, err := os.ReadDir(NamePath(root, ""))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, name := range names {
		link := NamePath(root, name.Name())
		id, err := os.Readlink(link)
		if err != nil || !IsID(id) {
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
