package container

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/minictr/minictr/container/meter"
	"github.com/minictr/minictr/hint"
)

// Stats is what a container uses; nothing if it does not run.
type Stats struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Running bool   `json:"running"`
	meter.Usage
}

// ReadStats reads what the containers of these names use; without names, all
// that run, or all there are. Shares of time are those since before.
func ReadStats(root string, names []string, all bool, before meter.Readings) (stats []Stats, err error) {
	containers, err := choose(root, names)
	if err != nil {
		return nil, err
	}
	for _, c := range containers {
		s := Stats{ID: c.ID, Name: c.Name}
		path, err := c.cgroup()
		if err == nil {
			err = s.read(path, before)
		}
		if err != nil && !errors.Is(err, errNotRunning) {
			return nil, fmt.Errorf("container %q: %w", c.Name, err)
		}
		if s.Running || all || len(names) > 0 {
			stats = append(stats, s)
		}
	}
	return stats, nil
}

// choose finds containers by their names, or all.
func choose(root string, names []string) (list []*Container, err error) {
	if len(names) == 0 {
		return List(root)
	}
	for _, name := range names {
		c, err := Find(root, name)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// read: that the cgroup is gone is no error, for so is the container.
func (s *Stats) read(path string, before meter.Readings) error {
	used, err := before.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.Running, s.Usage = true, *used
	}
	return err
}

var errNotRunning = errors.New("it is not running")

// cgroup is the folder of the container's cgroup. The error is errNotRunning if
// it has no process.
func (c *Container) cgroup() (string, error) {
	s, err := c.State()
	switch {
	case err != nil:
		return "", err
	case !s.Lives():
		return "", hint.New(errNotRunning, "start it with: minictr start "+c.Name)
	case s.Cgroup == "":
		return "", errNoCgroup
	}
	return s.Cgroup, nil
}
