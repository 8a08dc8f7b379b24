package lifecycle

import "github.com/minictr/minictr/container"

// Wait waits until a container's present task exits, and returns its exit code; without
// a task, that of the last one. A container that was never started is waited for, too.
func Wait(root, name string) (code int, err error) {
	err = withContainer(root, name, "wait for", func(c *container.Container) error {
		exit, err := c.WaitExit()
		if err == nil {
			code = exit.ExitCode
		}
		return err
	})
	return code, err
}
