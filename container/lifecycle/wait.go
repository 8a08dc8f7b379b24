package lifecycle

import (
	"fmt"

	"github.com/minictr/minictr/container"
)

// Wait waits until a container's present life has ended, and returns its exit
// code; that of the last one, if it does not run.
func Wait(root, name string) (code int, err error) {
	c, err := container.Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("wait for %w", err)
	}
	exit, err := c.WaitExit()
	if err != nil {
		return 0, fmt.Errorf("wait for container %q: %w", name, err)
	}
	return exit.ExitCode, nil
}
