package container

import (
	"errors"
	"io/fs"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

// LockTimeout is how long to wait for a lock that other commands hold briefly.
const LockTimeout = 200 * time.Millisecond

// Lock locks the container, for the caller to run, change or remove. While another
// process holds the lock it retries, for as long as timeout. The error is ErrRunning if
// the lock stays held, ErrNotExist if the container was removed.
func (c *Container) Lock(timeout time.Duration) error {
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		lock, err := lockfile.Try(c.Dir, lockfile.Exclusive)
		switch {
		case err == nil && !c.Has("image"): // removed since it was found
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

// Unlock releases the lock if this process holds it.
func (c *Container) Unlock() error {
	if c.LockFile == nil {
		return nil
	}
	return c.LockFile.Close()
}
