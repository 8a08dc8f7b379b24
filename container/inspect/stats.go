package inspect

import (
	"errors"
	"io/fs"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/stats"
	"github.com/minictr/minictr/hint"
)

// Stats is what a container uses; nothing if it does not run.
type Stats struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Running bool   `json:"running"`
	stats.Usage
}

// ReadStats reads what the containers of these names use; without names, all
// that run, or all there are. Shares of time are those since before. One that cannot
// be read is an error beside those that can.
func ReadStats(root string, names []string, all bool, before stats.Samples) (used []Stats, err error) {
	containers, err := choose(root, names)
	unread := []error{err}
	for _, c := range containers {
		s := Stats{ID: c.ID, Name: c.Name}
		path, err := cgroupOf(c)
		if err == nil {
			err = s.read(path, before)
		}
		if err != nil && !errors.Is(err, container.ErrNotRunning) {
			unread = append(unread, c.About(err))
			continue
		}
		if s.Running || all || len(names) > 0 {
			used = append(used, s)
		}
	}
	return used, errors.Join(unread...)
}

// Choose finds containers by their names, or all. One that cannot be found or read is
// an error beside the others.
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

// Read: that the cgroup is gone is no error, for so is the container.
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

// cgroupOf is the folder of the container's cgroup. The error is ErrNotRunning if
// it has no process.
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
