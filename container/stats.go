package container

import (
	"errors"
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
// that run, or all there are. Shares of time are those since before. One that cannot
// be read is an error beside those that can.
func ReadStats(root string, names []string, all bool, before meter.Readings) (stats []Stats, err error) {
	containers, err := choose(root, names)
	unread := []error{err}
	for _, c := range containers {
		s := Stats{ID: c.ID, Name: c.Name}
		path, err := c.cgroup()
		if err == nil {
			err = s.read(path, before)
		}
		if err != nil && !errors.Is(err, errNotRunning) {
			unread = append(unread, c.about(err))
			continue
		}
		if s.Running || all || len(names) > 0 {
			stats = append(stats, s)
		}
	}
	return stats, errors.Join(unread...)
}

// choose finds containers by their names, or all. One that cannot be found or read is
// an error beside the others.
func choose(root string, names []string) (list []*Container, err error) {
	if len(names) == 0 {
		return List(root)
	}
	var missing []error
	for _, name := range names {
		c, err := Find(root, name)
		if err != nil {
			missing = append(missing, err)
			continue
		}
		list = append(list, c)
	}
	return list, errors.Join(missing...)
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
