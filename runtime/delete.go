package runtime

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Delete removes a container that has stopped: what is left in its cgroup, the
// cgroup, and its folder; between them its poststop hooks run (runtime-spec,
// runtime.md, "Delete" and steps 11 to 13 of "Lifecycle"). If it is killed
// itself, delete can be said again: up to the hooks the container is there, and
// after them its folder has no name any more.
//
// A container that has not stopped is an error; with force it is killed first,
// and that there is none is no error. A hook that fails is told to warn, and
// stops nothing.
func Delete(root, id string, force bool, warn func(error)) error {
	if force {
		if err := killFirst(root, id); err != nil {
			return err
		}
	}
	c, err := state.Open(root, id)
	if force && errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := destroy(c, warn); err != nil {
		return errors.Join(err, c.Close())
	}
	return c.Remove()
}

// Finish deletes a container whose process has been waited for, and whose folder
// has been left to others meanwhile. That one of them has deleted it is no error.
func Finish(c *state.Dir, warn func(error)) error {
	err := c.Lock()
	if err == nil {
		err = undo(c, warn)
	}
	if errors.Is(err, state.ErrNotExist) {
		return c.Close()
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	return c.Remove()
}

// destroy undoes what create did, for a container that has stopped.
func destroy(c *state.Dir, warn func(error)) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != specs.StateStopped {
		return hint.New(fmt.Errorf("cannot delete container %s that is not stopped: %s", c.ID(), status),
			"kill it first, or use delete --force")
	}
	return undo(c, warn)
}

// undo undoes it, but for the folder.
func undo(c *state.Dir, warn func(error)) error {
	if err := c.Record.Kill(); err != nil {
		return err
	}
	stopHooks(c, warn)
	return nil
}

// killFirst kills a container without waiting for a command that is at work on
// it: that may wait for the container itself.
func killFirst(root, id string) error {
	c, err := state.OpenReadOnly(root, id)
	if errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Record.Kill()
}
