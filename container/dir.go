package container

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
)

// DirMode is the mode of all directories of the store that only root reads.
const DirMode = 0o700

// NewDir makes and locks the directory of a new container in the store at root, and
// makes the init layer in the directory layers. It becomes a container when the caller
// writes the file image.
func NewDir(root, layers string) (c *Container, err error) {
	containers := filepath.Join(root, "containers")
	if err := os.MkdirAll(containers, DirMode); err != nil {
		return nil, err
	}
	// recovery needs this lock exclusively, and removes directories that are not locked
	all, err := lockfile.Lock(context.Background(), containers, lockfile.Shared)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := makeInitLayer(layers); err != nil {
		return nil, err
	}
	id := NewID()
	c = &Container{ID: id, StoreRoot: root, Dir: filepath.Join(containers, id)}
	for _, dir := range []string{c.Dir, c.Path("upper"), c.Path("work")} {
		if err := os.Mkdir(dir, DirMode); err != nil {
			return nil, errors.Join(err, c.Remove())
		}
	}
	err = os.Chmod(c.Path("upper"), 0o755) // the mode of the container's /
	if err == nil {
		c.LockFile, err = lockfile.Lock(context.Background(), c.Dir, lockfile.Exclusive)
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// Remove removes the container and releases its lock, which the caller holds. The file
// image goes first: if the command is killed after that, recovery removes the rest and
// the name.
func (c *Container) Remove() error {
	created := c.Has("image")
	err := c.RemoveFile("image")
	if err == nil && created {
		c.Event("destroy")
	}
	if err == nil {
		err = c.freeName()
	}
	if err == nil {
		err = owned.RemoveAll(c.Dir)
	}
	return errors.Join(err, c.Unlock())
}

// MarkRemove makes recovery remove a container of --rm. The caller holds the lock.
func (c *Container) MarkRemove() error {
	if !c.Settings.Options.Remove {
		return nil
	}
	return c.WriteFile("remove", nil)
}
