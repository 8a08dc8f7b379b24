package state

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// FreezeLock is held by who has frozen the container for a moment, and by who freezes or
// thaws it for good: they must not undo each other's work. It is the lock, flock(2),
// of a file that holds a byte while the container is frozen for a moment; a byte
// without a lock was left by one that was killed.
type FreezeLock struct {
	file   *os.File
	cgroup string
	frozen bool
}

const freezeLockFile = "freeze.lock"

// LockFreeze keeps others from freezing and thawing the container.
func (f *Dir) LockFreeze() (*FreezeLock, error) { return f.lockFreeze(lockTimeout) }

func (f *Dir) lockFreeze(wait time.Duration) (*FreezeLock, error) {
	file, err := os.OpenFile(f.Path(freezeLockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(file, wait); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	d := &FreezeLock{file: file, cgroup: f.Record.Cgroup}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		d.frozen = true
		if err := d.thaw(); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return d, nil
}

// Freeze freezes the container until Open.
func (f *Dir) Freeze() (*FreezeLock, error) {
	d, err := f.LockFreeze()
	if err != nil {
		return nil, err
	}
	paused, err := f.Record.frozen()
	if err == nil && paused {
		err = errors.New("the container is paused")
	}
	if err == nil {
		_, err = d.file.WriteAt([]byte{'!'}, 0)
	}
	if err == nil {
		d.frozen = true
		err = cgroup.Freeze(d.cgroup)
	}
	if err != nil {
		return nil, errors.Join(err, d.Release())
	}
	return d, nil
}

// Release thaws what Freeze has frozen, and lets others at the container.
func (d *FreezeLock) Release() error { return errors.Join(d.thaw(), d.file.Close()) }

func (d *FreezeLock) thaw() error {
	if !d.frozen {
		return nil
	}
	d.frozen = false
	err := cgroup.Thaw(d.cgroup)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		err = nil // it has ended meanwhile
	}
	return errors.Join(err, d.file.Truncate(0))
}

// isFrozenBriefly tells whether somebody has frozen the container for a moment. What one has
// left that was killed is thawed.
func (f *Dir) isFrozenBriefly() (bool, error) {
	info, err := os.Stat(f.Path(freezeLockFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	d, err := f.lockFreeze(0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return true, d.Release()
}
