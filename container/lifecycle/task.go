package lifecycle

import (
	"errors"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

// runningTask is the container's life, if its process is not frozen.
func runningTask(c *container.Container) (*state.Dir, error) {
	task, err := activeTask(c)
	if err != nil {
		return nil, err
	}
	status, err := task.Status()
	if err == nil && status == state.Paused {
		err = errPaused(c)
	}
	return task, err
}

func errPaused(c *container.Container) error {
	return hint.New(errors.New("it is paused"), "minictr unpause "+c.Name+" lets it go on")
}

// activeTask is the container's life, if it has a process.
func activeTask(c *container.Container) (*state.Dir, error) {
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if !s.Active() {
		return nil, hint.New(container.ErrNotRunning, "minictr start "+c.Name+" starts it")
	}
	return c.Task()
}
