package lifecycle

import (
	"errors"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
)

// Restart stops a container as Stop does, and starts it detached.
func Restart(root, name string, o StopOptions) error {
	return withContainer(root, name, "restart", func(c *container.Container) error {
		s, err := c.State()
		if err == nil && s.Active() && c.Settings.Options.Remove {
			err = hint.New(errors.New("created with --rm: it is removed when it exits"),
				"create another one with: minictr run")
		}
		if err == nil {
			err = stop(c, o)
		}
		if err == nil {
			err = startDetached(c, false)
		}
		if err == nil {
			c.Event("restart")
		}
		return err
	})
}
