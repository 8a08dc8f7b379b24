package container

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
)

// Container is one that there is: its folder, and what was decided about it.
// What is true of it at this moment, State tells.
type Container struct {
	ID, Name string
	Settings Settings

	root, dir string   // of the store; the container's folder
	lock      *os.File // the folder, if this command holds its lock
	cidFile   string   // that was written for the caller, or ""
}

// Find finds a container by its name, its id or the beginning of its id. It
// settles first what killed commands have left.
func Find(root, name string) (*Container, error) {
	c, err := locate(root, name)
	if err != nil {
		return nil, fmt.Errorf("container %q: %w", name, err)
	}
	return c, nil
}

func locate(root, name string) (*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if err := runtime.CheckName(name); err != nil {
		return nil, err
	}
	if err := Sweep(root); err != nil {
		return nil, err
	}
	id, err := lookUp(root, name)
	if err != nil {
		return nil, err
	}
	return open(root, id, namesOf(root)[id])
}

// lookUp finds a container's id.
func lookUp(root, name string) (id string, err error) {
	containers := filepath.Join(root, "containers")
	if id, err := os.Readlink(filepath.Join(root, "names", name)); err == nil {
		return id, nil
	}
	ids, err := os.ReadDir(containers)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var found []string
	for _, id := range ids {
		if strings.HasPrefix(id.Name(), name) {
			found = append(found, id.Name())
		}
	}
	switch {
	case len(found) == 0:
		return "", hint.New(errNotExist, "containers lie in "+containers+"; minictr ps -a lists them")
	case len(found) > 1:
		return "", errors.New("several ids begin so")
	}
	return found[0], nil
}

// open reads what was decided about a container. What is no id, as a link of names/
// may say that somebody has put there, leads nowhere.
func open(root, id, name string) (*Container, error) {
	if runtime.CheckName(id) != nil {
		return &Container{}, errNotExist
	}
	c := &Container{ID: id, Name: name, root: root, dir: filepath.Join(root, "containers", id)}
	err := c.read("settings.json", &c.Settings)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !c.has("image") {
		err = errNotExist
	}
	return c, err
}

// List finds all containers, the newest first. One that cannot be read is an error
// beside those that can.
func List(root string) ([]*Container, error) {
	all, unread, err := list(root)
	failed := []error{err}
	for _, u := range unread {
		failed = append(failed, u.about(u.err))
	}
	return all, errors.Join(failed...)
}

// about adds to an error which container it is about.
func (c *Container) about(err error) error {
	return fmt.Errorf("container %q: %w", cmp.Or(c.Name, c.ID), err)
}

// unread is a container that cannot be read, and why.
type unread struct {
	*Container
	err error
}

func list(root string) (all []*Container, broken []unread, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, nil, err
	}
	if err := Sweep(root); err != nil {
		return nil, nil, err
	}
	ids, err := os.ReadDir(filepath.Join(root, "containers"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	names := namesOf(root)
	for _, id := range ids {
		c, err := open(root, id.Name(), names[id.Name()])
		if errors.Is(err, errNotExist) { // it is being made, or removed
			continue
		}
		if err != nil {
			broken = append(broken, unread{c, err})
			continue
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Container) int {
		return cmp.Or(b.Settings.Created.Compare(a.Settings.Created), strings.Compare(a.ID, b.ID))
	})
	return all, broken, nil
}

// Dir is the container's folder, for those who read its log.
func (c *Container) Dir() string { return c.dir }
