package container

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
)

const DirMode = 0o700

// NewID makes up an id as docker's are: 64 hexadecimal digits.
func NewID() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// NewDir makes and locks the folder of a new container in the store's root,
// and sees that there is a floor among its layers. It is no container before
// commit.
func NewDir(root, layers string) (c *Container, err error) {
	containers := filepath.Join(root, "containers")
	if err := os.MkdirAll(containers, DirMode); err != nil {
		return nil, err
	}
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
	err = os.Chmod(c.Path("upper"), 0o755) // it becomes the container's /
	if err == nil {
		c.LockFile, err = lockfile.Lock(context.Background(), c.Dir, lockfile.Exclusive)
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// Remove makes the folder no container first: if we are killed from there on, the
// sweep goes on, with the name too. It gives up the lock last.
func (c *Container) Remove() error {
	err := c.RemoveFile("image")
	if err == nil {
		err = c.freeName()
	}
	if err == nil {
		err = os.RemoveAll(c.Dir)
	}
	return errors.Join(err, c.Unlock())
}

// MarkRemove notes that from now on nothing is to be left of it, if it is one of
// --rm.
func (c *Container) MarkRemove() error {
	if !c.Settings.Options.Remove {
		return nil
	}
	return c.WriteFile("remove", nil)
}

// IsID tells whether it looks as NewID's do.
func IsID(name string) bool {
	for _, digit := range name {
		if (digit < '0' || digit > '9') && (digit < 'a' || digit > 'f') {
			return false
		}
	}
	return len(name) == 64
}
