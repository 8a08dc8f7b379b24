package lifecycle

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
)

// Start starts a container detached. One that runs is left alone; one that is paused is
// an error. With explain the monitor prints each system call on standard error.
func Start(root, name string, explain bool) error {
	return withContainer(root, name, "start", func(c *container.Container) error {
		s, err := c.State()
		if s.Status == container.Paused {
			return errPaused(c)
		}
		if err != nil || s.Active() {
			return err
		}
		return startDetached(c, explain)
	})
}

// startDetached starts a container, unless another command does so at the same time.
func startDetached(c *container.Container, explain bool) error {
	if err := checkComplete(c); err != nil {
		return err
	}
	err := monitor.Start(c, nil, explain)
	if errors.Is(err, container.ErrRunning) {
		return nil
	}
	return err
}

// checkComplete refuses a container without a part (package without): only run makes the outer
// host that such a container needs.
func checkComplete(c *container.Container) error {
	parts := c.Settings.Options.Without
	if len(parts) == 0 {
		return nil
	}
	return hint.New(fmt.Errorf("created by run --without %s", strings.Join(parts, ",")),
		"make another one in the same way: minictr run --without PART IMAGE")
}
