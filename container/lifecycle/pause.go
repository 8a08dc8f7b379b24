package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// thaw lets a container go on if it is paused. That it has ended is no error.
func thaw(task *state.Dir) error {
	err := runtime.Resume(task)
	if errors.Is(err, runtime.ErrNotPaused) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// Pause freezes a container's processes (cgroups(7), cgroup.freeze).
func Pause(root, name string) error {
	return setFrozen(root, name, "pause", runningTask, runtime.Pause)
}

// Unpause lets them go on.
func Unpause(root, name string) error {
	return setFrozen(root, name, "unpause", activeTask, runtime.Resume)
}

func setFrozen(root, name, verb string, look func(*container.Container) (*state.Dir, error), act func(*state.Dir) error) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("%s %w", verb, err)
	}
	task, err := look(c)
	if err == nil {
		err = act(task)
	}
	if err != nil {
		return fmt.Errorf("%s container %q: %w", verb, name, err)
	}
	return nil
}
