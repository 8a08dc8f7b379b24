package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func (c *Container) Link() string { return filepath.Join(c.StoreRoot, "names", c.Name) }

// freeName gives up the container's name. It may have got another one since we
// looked, and the one it had may be another container's.
func (c *Container) freeName() error {
	if id, err := os.Readlink(c.Link()); err != nil || id != c.ID {
		c.Name = NamesOf(c.StoreRoot)[c.ID]
	}
	if c.Name == "" {
		return nil
	}
	if err := os.Remove(c.Link()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// NamesOf are the names of containers by their ids.
func NamesOf(root string) map[string]string {
	dir := filepath.Join(root, "names")
	entries, _ := os.ReadDir(dir) // none is made before the first container
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if id, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			names[id] = e.Name()
		}
	}
	return names
}
