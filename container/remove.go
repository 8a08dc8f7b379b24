package container

import (
	"errors"
	"fmt"
	"time"

	"github.com/minictr/minictr/hint"
)

// Remove removes a container that has ended, by its name, its id or the
// beginning of its id. With force it is killed first, and goes even if nobody can
// read any more what was decided about it.
func Remove(root, name string, force bool) error {
	c, err := locate(root, name)
	unreadable := c != nil && !errors.Is(err, errNotExist)
	if err != nil && !(force && unreadable) {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	patience := briefly
	if force {
		patience = lethal
		err := c.end()
		if isTorn(err) {
			err = c.endUnread()
		}
		if err != nil {
			return fmt.Errorf("remove container %q: %w", name, err)
		}
	}
	err = c.take(patience)
	if force && errors.Is(err, errNotExist) {
		return nil // it was one of --rm
	}
	if errors.Is(err, errRunning) {
		err = c.whyHeld()
	}
	if err == nil {
		err = c.remove()
	}
	if err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	return nil
}

// whyHeld tells why somebody has the container's lock.
func (c *Container) whyHeld() error {
	if s, err := c.State(); err == nil && !s.Lives() && !c.watched() {
		return errBusy
	}
	return hint.New(errRunning, "end it first with minictr stop, or remove it with: minictr rm -f")
}

// briefly is how long to wait for a lock that nobody should hold for long.
const briefly = 200 * time.Millisecond
