package inspect

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/ps"
)

// Top returns the output of ps(1) with these options for the processes of a container,
// with their PIDs on the host. The first line is the heading.
func Top(root, name string, options []string) ([]string, error) {
	c, err := container.Find(root, name)
	if err != nil {
		return nil, fmt.Errorf("top: %w", err)
	}
	path, err := cgroupOf(c)
	if err != nil {
		return nil, fmt.Errorf("top: container %q: %w", name, err)
	}
	return ps.Lines(func() ([]int, error) {
		pids, err := cgroup.Pids(path)
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // the container has exited
		}
		return pids, err
	}, options...)
}
