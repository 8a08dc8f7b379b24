package lifecycle

import (
	"errors"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Pause freezes all processes of a container (cgroup-v2, "cgroup.freeze").
func Pause(root, name string) error {
	return withContainer(root, name, "pause", func(c *container.Container) error {
		task, err := runningTask(c)
		if err != nil {
			return err
		}
		err = runtime.Pause(task)
		if err == nil {
			c.Event("pause")
		}
		return err
	})
}

// Unpause resumes the processes of a paused container.
func Unpause(root, name string) error {
	return withContainer(root, name, "unpause", func(c *container.Container) error {
		task, err := activeTask(c)
		if err != nil {
			return err
		}
		err = runtime.Resume(task)
		if err == nil {
			c.Event("unpause")
		}
		return err
	})
}

// thaw resumes a container if it is paused. One that exited is no error: its cgroup is
// gone (ENOENT), or is being removed (ENODEV).
func thaw(task *state.Dir) error {
	err := runtime.Resume(task)
	if errors.Is(err, runtime.ErrNotPaused) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}
