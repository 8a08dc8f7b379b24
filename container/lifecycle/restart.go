package lifecycle

import (
	"errors"
	"fmt"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
)

// Restart stops a container as Stop does, and starts it again in the background.
func Restart(root, name string, timeout *time.Duration) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("restart %w", err)
	}
	s, err := c.State()
	if err == nil && s.Active() && c.Settings.Options.Remove {
		err = hint.New(errors.New("it is one of --rm, and goes when it ends"), "begin another one with minictr run")
	}
	if err == nil {
		err = stop(c, timeout)
	}
	if err == nil {
		err = monitor.Start(c, nil, false)
	}
	if err != nil && !errors.Is(err, container.ErrRunning) {
		return fmt.Errorf("restart container %q: %w", name, err)
	}
	return nil
}
