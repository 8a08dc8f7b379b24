package container

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/lockfile"
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
			return nil, errors.Join(err, c.Remove(true))
		}
	}
	err = os.Chmod(c.Path("upper"), 0o755) // the mode of the container's /
	if err == nil {
		c.LockFile, err = lockfile.Lock(context.Background(), c.Dir, lockfile.Exclusive)
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove(true))
	}
	return c, nil
}

// Remove removes the container, with or without its anonymous volumes, and releases its lock,
// which the caller holds. The file image goes first: if the command is killed after that,
// recovery removes the rest and the name.
func (c *Container) Remove(volumes bool) error {
	created := c.Has("image")
	err := keepVolumes(c, !volumes)
	if err == nil {
		err = c.RemoveFile("image")
	}
	if err == nil && created {
		c.Event("destroy")
	}
	if err == nil {
		err = c.freeName()
	}
	if err == nil && volumes {
		err = removeVolumes(c.StoreRoot, c.Settings.Volumes, true)
	}
	if err == nil {
		err = removeFiles(c.Dir)
	}
	return errors.Join(err, c.Unlock())
}

// keepVolumes tells recovery whether the anonymous volumes of a container stay.
func keepVolumes(c *Container, keep bool) error {
	anonymous := slices.ContainsFunc(c.Settings.Volumes, func(v config.Volume) bool { return v.Anonymous })
	if anonymous && keep {
		return c.WriteFile(keepVolumesFile, nil)
	}
	return c.RemoveFile(keepVolumesFile)
}

// MarkRemove makes recovery remove a container of --rm. The caller holds the lock.
func (c *Container) MarkRemove() error {
	if !c.Settings.Options.Remove {
		return nil
	}
	return c.WriteFile("remove", nil)
}
