package runtime

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// A paused container is a frozen cgroup (cgroups(7), cgroup.freeze): its processes do not
// run until it is thawed, and only SIGKILL reaches them.

// Pause freezes a container that is created or running. For any other the error is
// state.ErrNotRunning.
func Pause(c *state.Dir) error {
	status, err := c.Status()
	if err != nil {
		return err
	}
	if status != specs.StateCreated && status != specs.StateRunning {
		return state.ErrNotRunning
	}
	if c.Record.Cgroup == "" {
		return hint.New(errors.New("container has no cgroup"),
			"mount cgroup2 before create: mount -t cgroup2 none /sys/fs/cgroup")
	}
	return withFreezeLock(c, cgroup.Freeze)
}

// withFreezeLock freezes or thaws while the caller holds the freeze lock.
func withFreezeLock(c *state.Dir, act func(path string) error) error {
	lock, err := c.LockFreeze()
	if err != nil {
		return err
	}
	return errors.Join(act(c.Record.Cgroup), lock.Release())
}

// ErrNotPaused is the error of Resume for a container that is not paused.
var ErrNotPaused = errors.New("container not paused")

// Resume thaws a paused container.
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
