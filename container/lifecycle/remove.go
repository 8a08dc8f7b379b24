package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
)

// Remove removes a container that has ended, by its name, its id or the
// beginning of its id. With force it is killed first, and goes even if nobody can
// read any more what was decided about it.
func Remove(root, name string, force bool) error {
	c, err := container.Locate(root, name)
	unreadable := c != nil && !errors.Is(err, container.ErrNotExist)
	if err != nil && !(force && unreadable) {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	timeout := container.LockTimeout
	if force {
		timeout = container.KillTimeout
		err := kill(c)
		if container.IsCorrupt(err) {
			err = killCorrupt(c)
		}
		if err != nil {
			return fmt.Errorf("remove container %q: %w", name, err)
		}
	}
	err = c.Lock(timeout)
	if force && errors.Is(err, container.ErrNotExist) {
		return nil // it was one of --rm
	}
	if errors.Is(err, container.ErrRunning) {
		err = errLocked(c)
	}
	if err == nil {
		err = c.Remove()
	}
	if err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	return nil
}

// errLocked tells why somebody has the container's lock.
func errLocked(c *container.Container) error {
	if s, err := c.State(); err == nil && !s.Active() && !c.Monitored() {
		return container.ErrBusy
	}
	return hint.New(container.ErrRunning, "end it first with minictr stop, or remove it with: minictr rm -f")
}
