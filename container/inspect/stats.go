package inspect

import (
	"errors"
	"io/fs"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/stats"
	"github.com/minictr/minictr/hint"
)

// Stats is what a container uses; the Usage of one that does not run is empty.
type Stats struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Running bool   `json:"running"`
	stats.Usage
}

// ReadStats reads the usage of the named containers; without names, of all that run, or
// of all. CPU shares are those since the samples in before. A container that cannot be
// read is an error beside the others.
func ReadStats(root string, names []string, all bool, before stats.Samples) (used []Stats, err error) {
	containers, err := choose(root, names)
	failed := []error{err}
	for _, c := range containers {
		s := Stats{ID: c.ID, Name: c.Name}
		path, err := cgroupOf(c)
		if err == nil {
			err = s.read(path, before)
		}
		if err != nil && !errors.Is(err, container.ErrNotRunning) {
			failed = append(failed, c.About(err))
			continue
		}
		if s.Running || all || len(names) > 0 {
			used = append(used, s)
		}
	}
	return used, errors.Join(failed...)
}

// choose returns the named containers, or all. One that cannot be found or read is an
// error beside the others.
func choose(root string, names []string) (list []*container.Container, err error) {
	if len(names) == 0 {
		return container.List(root)
	}
	var missing []error
	for _, name := range names {
		c, err := container.Find(root, name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		list = append(list, c)
	}
	return list, errors.Join(missing...)
}

// read reads the cgroup at path. One that is gone is no error: the container has exited.
func (s *Stats) read(path string, before stats.Samples) error {
	used, err := before.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.Running, s.Usage = true, *used
	}
	return err
}

// cgroupOf returns the directory of the container's cgroup. The error is ErrNotRunning if
// the container has no process.
func cgroupOf(c *container.Container) (string, error) {
	s, err := c.State()
	switch {
	case err != nil:
		return "", err
	case !s.Active():
		return "", hint.New(container.ErrNotRunning, "start it with: minictr start "+c.Name)
	case s.Cgroup == "":
		return "", container.ErrNoCgroup
	}
	return s.Cgroup, nil
}
