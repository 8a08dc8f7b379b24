package container

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
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

func (c *Container) Path(name string) string { return filepath.Join(c.Dir, name) }

// WriteFile writes a file that others of the container's namespaces may read.
func (c *Container) WriteFile(name string, data []byte) error {
	return os.WriteFile(c.Path(name), data, 0o644)
}

// ReplaceFile writes a file in one step.
func (c *Container) ReplaceFile(name string, data []byte) error {
	return atomicfile.Write(c.Path(name), data, 0o600, false)
}

// Has tells whether there is a file of this name.
func (c *Container) Has(name string) bool {
	_, err := os.Lstat(c.Path(name))
	return err == nil
}

// RemoveFile removes a file, if it is there.
func (c *Container) RemoveFile(name string) error {
	if err := os.Remove(c.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
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

func (c *Container) Unlock() error {
	if c.LockFile == nil {
		return nil
	}
	return c.LockFile.Close()
}

// Lock locks the container: from then on it is ours to run, or to remove. It
// waits a little, for a command may be looking at it, or the last one that ran
// it be about to end.
func (c *Container) Lock(timeout time.Duration) error {
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		lock, err := lockfile.Try(c.Dir, lockfile.Exclusive)
		switch {
		case err == nil && !c.Has("image"): // it was removed meanwhile
			return errors.Join(lock.Close(), ErrNotExist)
		case err == nil:
			c.LockFile = lock
			return nil
		case errors.Is(err, fs.ErrNotExist):
			return ErrNotExist
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Since(began) > timeout:
			return ErrRunning
		}
	}
}

var ()

// IsID tells whether it looks as NewID's do.
func IsID(name string) bool {
	for _, digit := range name {
		if (digit < '0' || digit > '9') && (digit < 'a' || digit > 'f') {
			return false
		}
	}
	return len(name) == 64
}

// LockTimeout is how long to wait for a lock that nobody should hold for long.
const LockTimeout = 200 * time.Millisecond

// Spec is the container's OCI config.
func (c *Container) Spec() (*specs.Spec, error) {
	spec := &specs.Spec{}
	return spec, c.ReadJSON("config.json", spec)
}

// ReadJSON reads a JSON file of the folder. The error is a torn one if that is not what
// it is.
func (c *Container) ReadJSON(name string, to any) error {
	data, err := os.ReadFile(c.Path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return c.corrupt(fmt.Errorf("read %s: %w", c.Path(name), err))
	}
	return nil
}
