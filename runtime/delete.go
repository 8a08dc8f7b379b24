package runtime

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Delete removes a stopped container: the processes left in its cgroup, the cgroup, and
// its directory; before the directory its poststop hooks run (runtime-spec, runtime.md,
// "Delete" and steps 11 to 13 of "Lifecycle"). A Delete that was killed can be repeated:
// up to the hooks the container exists, and after them its directory has no name.
//
// A container that has not stopped is an error. With force it is killed first, a container
// that does not exist is no error, and one with a corrupt record is removed with what is
// in its cgroup. warn receives the errors of hooks.
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
	if err != nil && !(force && errors.Is(err, state.ErrCorrupt)) {
		return err
	}
	if force { // it may have been created since killFirst
		err = undo(c, warn)
	} else {
		err = destroy(c, warn)
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	return c.Remove()
}

// Finish deletes a container whose process has been waited for, and whose directory was
// unlocked meanwhile. That another command has deleted it is no error.
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

// destroy undoes create, for a stopped container.
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

// undo kills what is left, and runs the poststop hooks; the directory stays.
func undo(c *state.Dir, warn func(error)) error {
	if err := c.Record.Kill(); err != nil {
		return err
	}
	stopHooks(c, warn)
	return nil
}

// killFirst kills a container without taking its lock: the command that holds it may be
// waiting for the container.
func killFirst(root, id string) error {
	c, err := state.OpenReadOnly(root, id)
	if errors.Is(err, state.ErrNotExist) {
		return nil
	}
	if err != nil && !errors.Is(err, state.ErrCorrupt) {
		return err
	}
	return c.Record.Kill()
}
