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

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

// Container is one that there is: its folder, and what was decided about it.
// What is true of it at this moment, State tells.
type Container struct {
	ID, Name string
	Settings config.Settings

	StoreRoot, Dir string   // of the store; the container's folder
	LockFile       *os.File // the folder, if this command holds its lock
	CIDFile        string   // that was written for the caller, or ""
}

// Find finds a container by its name, its id or the beginning of its id. It
// settles first what killed commands have left.
func Find(root, name string) (*Container, error) {
	c, err := Locate(root, name)
	if err != nil {
		return nil, fmt.Errorf("container %q: %w", name, err)
	}
	return c, nil
}

func Locate(root, name string) (*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if err := state.CheckName(name); err != nil {
		return nil, err
	}
	if err := Recover(root); err != nil {
		return nil, err
	}
	id, err := lookUp(root, name)
	if err != nil {
		return nil, err
	}
	return Open(root, id, NamesOf(root)[id])
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
		return "", hint.New(ErrNotExist, "containers lie in "+containers+"; minictr ps -a lists them")
	case len(found) > 1:
		return "", errors.New("several ids begin so")
	}
	return found[0], nil
}

// Open reads what was decided about a container. What is no id, as a link of names/
// may say that somebody has put there, leads nowhere.
func Open(root, id, name string) (*Container, error) {
	if state.CheckName(id) != nil {
		return &Container{}, ErrNotExist
	}
	c := &Container{ID: id, Name: name, StoreRoot: root, Dir: filepath.Join(root, "containers", id)}
	err := c.ReadJSON("settings.json", &c.Settings)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !c.Has("image"):
		err = ErrNotExist
	case err == nil && c.Settings.Format != config.Format:
		err = c.corrupt(fmt.Errorf("read %s: format %d, not %d", c.Path("settings.json"), c.Settings.Format, config.Format))
	}
	return c, err
}

// List finds all containers, the newest first. One that cannot be read is an error
// beside those that can.
func List(root string) ([]*Container, error) {
	all, unread, err := All(root)
	failed := []error{err}
	for _, u := range unread {
		failed = append(failed, u.About(u.Err))
	}
	return all, errors.Join(failed...)
}

// Unreadable is a container that cannot be read, and why.
type Unreadable struct {
	*Container
	Err error
}

func All(root string) (all []*Container, broken []Unreadable, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, nil, err
	}
	if err := Recover(root); err != nil {
		return nil, nil, err
	}
	ids, err := os.ReadDir(filepath.Join(root, "containers"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	names := NamesOf(root)
	for _, id := range ids {
		c, err := Open(root, id.Name(), names[id.Name()])
		if errors.Is(err, ErrNotExist) { // it is being made, or removed
			continue
		}
		if err != nil {
			broken = append(broken, Unreadable{c, err})
			continue
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Container) int {
		return cmp.Or(b.Settings.Created.Compare(a.Settings.Created), strings.Compare(a.ID, b.ID))
	})
	return all, broken, nil
}
