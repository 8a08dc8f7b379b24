package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

// withContainer finds a container and carries out a command. An error names both.
func withContainer(root, name, command string, do func(*container.Container) error) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("%s %w", command, err)
	}
	if err := do(c); err != nil {
		return fmt.Errorf("%s container %q: %w", command, name, err)
	}
	return nil
}

// activeTask returns the container's task if it has a process.
func activeTask(c *container.Container) (*state.Dir, error) {
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if !s.Active() {
		return nil, hint.New(container.ErrNotRunning, "minictr start "+c.Name)
	}
	return c.Task()
}

// runningTask returns the container's task if its process is not frozen.
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
	return hint.New(errors.New("container is paused"), "minictr unpause "+c.Name)
}
