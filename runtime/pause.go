package runtime

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// A paused container is a frozen cgroup: its processes stay as they are until
// it is thawed, and only SIGKILL still reaches them.

// Pause freezes a container that has been created or runs.
func Pause(c *state.Dir) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != specs.StateCreated && status != specs.StateRunning {
		return state.ErrNotRunning
	}
	if c.Record.Cgroup == "" {
		return hint.New(errors.New("the container has no cgroup"), "without one its processes cannot be frozen")
	}
	return withFreezeLock(c, cgroup.Freeze)
}

// withFreezeLock freezes or thaws while nobody else does.
func withFreezeLock(c *state.Dir, act func(path string) error) error {
	door, err := c.LockFreeze()
	if err != nil {
		return err
	}
	return errors.Join(act(c.Record.Cgroup), door.Release())
}

// ErrNotPaused is Resume's error for a container that goes on already, or has ended.
var ErrNotPaused = errors.New("container not paused")

// Resume thaws a container that is paused.
func Resume(c *state.Dir) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != state.Paused {
		return ErrNotPaused
	}
	return withFreezeLock(c, cgroup.Thaw)
}
