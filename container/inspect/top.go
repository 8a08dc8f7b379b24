package inspect

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/ps"
)

// Top lists the processes of a container as ps(1) does with these options, by
// their numbers on the host. The first line is the heading.
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
			err = nil // it has ended
		}
		return pids, err
	}, options...)
}
