package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/monitor"
)

// Start starts a container in the background, unless it runs; one that is paused
// goes on by Unpause alone. With explain the system calls are told on standard
// error.
func Start(root, name string, explain bool) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("start %w", err)
	}
	s, err := c.State()
	if s.Status == container.Paused {
		return fmt.Errorf("start container %q: %w", name, errPaused(c))
	}
	if err != nil || s.Active() {
		return err
	}
	if err := monitor.Start(c, nil, explain); err != nil && !errors.Is(err, container.ErrRunning) {
		return fmt.Errorf("start container %q: %w", name, err)
	}
	return nil
}
