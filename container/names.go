package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// NamePath returns the symbolic link that gives a container its name: its text is the
// container's ID. NamePath(root, "") is the directory of all names.
func NamePath(root, name string) string { return filepath.Join(root, "names", name) }

// NamesOf returns the names of all containers in the store at root, by ID.
func NamesOf(root string) map[string]string {
	entries, _ := os.ReadDir(NamePath(root, "")) // it exists once a container has a name
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if id, err := os.Readlink(NamePath(root, e.Name())); err == nil {
			names[id] = e.Name()
		}
	}
	return names
}

// NameOf returns the container's name, "" for none. All names are read only if it has
// another one than when it was created.
func NameOf(c *Container) string {
	for _, name := range []string{c.Name, c.Settings.Name} {
		if id, err := os.Readlink(NamePath(c.StoreRoot, name)); err == nil && id == c.ID {
			return name
		}
	}
	return NamesOf(c.StoreRoot)[c.ID]
}

// freeName removes the container's name. Another command may have renamed the container
// since it was read, and given its old name to another one.
func (c *Container) freeName() error {
	c.Name = NameOf(c)
	if c.Name == "" {
		return nil
	}
	if err := os.Remove(NamePath(c.StoreRoot, c.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
