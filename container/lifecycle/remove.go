package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
)

// Remove removes a container that does not run, with volumes also its anonymous ones that no
// other container mounts. With force its processes are killed first, and it is removed even if
// its files cannot be read.
func Remove(root, name string, force, volumes bool) error {
	c, err := container.Locate(root, name)
	unreadable := c != nil && !errors.Is(err, container.ErrNotExist)
	if err == nil || force && unreadable {
		err = remove(c, force, volumes)
	}
	if err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	return nil
}

func remove(c *container.Container, force, volumes bool) error {
	timeout := container.LockTimeout
	if force {
		timeout = container.KillTimeout
		err := kill(c)
		if container.IsCorrupt(err) {
			err = killCorrupt(c)
		}
		if err != nil {
			return err
		}
	}
	err := c.Lock(timeout)
	switch {
	case err == nil:
		return c.Remove(volumes)
	case force && errors.Is(err, container.ErrNotExist): // one of --rm
		return nil
	case errors.Is(err, container.ErrRunning):
		return errLocked(c)
	}
	return err
}

// errLocked says which process holds the container's lock.
func errLocked(c *container.Container) error {
	if s, err := c.State(); err == nil && !s.Active() && !c.Monitored() {
		return container.ErrBusy
	}
	return hint.New(container.ErrRunning, "minictr stop "+c.Name+", or kill and remove it: minictr rm -f "+c.Name)
}
