package container

import (
	"errors"
	"io/fs"
	"time"

	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

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

// LockTimeout is how long to wait for a lock that nobody should hold for long.
const LockTimeout = 200 * time.Millisecond
