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
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/runtime/state"
)

// Container is a container on disk, with the settings it was created with. State reads
// its status.
type Container struct {
	ID, Name string // Name is "" if it has none, or if it was opened by its ID alone
	Settings config.Settings

	StoreRoot string   // absolute path of the store
	Dir       string   // absolute path of the container's directory
	LockFile  *os.File // the open directory if this process holds its lock
}

// Find finds a container in the store at root by its name, its ID or a prefix of its ID,
// and recovers it.
func Find(root, name string) (*Container, error) {
	c, err := Locate(root, name)
	if err != nil {
		return nil, fmt.Errorf("container %q: %w", name, err)
	}
	return c, nil
}

// Locate is Find with an error that does not name the container. A container whose
// files cannot be read is returned beside the error.
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
	recoverID(root, id)
	c, err := Open(root, id, name)
	if c.ID != "" {
		c.Name = NameOf(c)
	}
	return c, err
}

// lookUp resolves a name, an ID or a prefix of an ID.
func lookUp(root, name string) (id string, err error) {
	containers := filepath.Join(root, "containers")
	if id, err := os.Readlink(NamePath(root, name)); err == nil {
		return id, nil
	}
	// not a name: an ID or its prefix
	if IsID(name) && owned.IsDir(filepath.Join(containers, name)) {
		return name, nil
	}
	ids, err := os.ReadDir(containers)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	var found []string
	for _, id := range ids {
		if strings.HasPrefix(id.Name(), name) && IsID(id.Name()) {
			found = append(found, id.Name())
		}
	}
	switch {
	case len(found) == 0:
		return "", hint.New(ErrNotExist, "list the containers of "+containers+" with: minictr ps -a")
	case len(found) > 1:
		return "", errors.New("ambiguous ID prefix")
	}
	return found[0], nil
}

// OpenID opens a container of the store at root by its ID, without recovery. It does not
// look up its name.
func OpenID(root, id string) (*Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return &Container{}, err
	}
	if _, err := owned.Check(root, owned.Store); err != nil {
		return &Container{}, err
	}
	return Open(root, id, "")
}

// Open reads a container's settings. The ID may be the text of a link in names/, so it
// is checked before it becomes part of a path.
func Open(root, id, name string) (*Container, error) {
	c := &Container{ID: id, Name: name, StoreRoot: root, Dir: filepath.Join(root, "containers", id)}
	if !IsID(id) || !owned.IsDir(c.Dir) {
		return &Container{}, ErrNotExist
	}
	err := c.ReadJSON("settings.json", &c.Settings)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !c.Has("image"):
		err = ErrNotExist
	case err == nil && c.Settings.Format != config.Format:
		path := c.Path("settings.json")
		err = c.corrupt(fmt.Errorf("read %s: format %d, not %d", path, c.Settings.Format, config.Format))
	}
	return c, err
}

// List recovers the store at root, and returns all containers, the newest first. A
// container that cannot be read is an error beside those that can.
func List(root string) ([]*Container, error) {
	all, unread, err := All(root)
	failed := []error{err}
	for _, u := range unread {
		failed = append(failed, u.About(u.Err))
	}
	return all, errors.Join(failed...)
}

// Unreadable is a container whose settings cannot be read.
type Unreadable struct {
	*Container
	Err error
}

// All is List with one error for each container that cannot be read.
func All(root string) (all []*Container, broken []Unreadable, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return nil, nil, err
	}
	if err := recoverWith(root, lockfile.Try); err != nil {
		return nil, nil, err
	}
	ids, err := os.ReadDir(filepath.Join(root, "containers"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	names := NamesOf(root)
	for _, id := range ids {
		c, err := Open(root, id.Name(), names[id.Name()])
		if errors.Is(err, ErrNotExist) { // it is being created or removed
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
