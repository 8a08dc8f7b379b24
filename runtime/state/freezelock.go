package state

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// FreezeLock is held by a command that freezes the container for a moment, and by
// pause and resume, which must not undo each other. It is the lock of a file that
// holds one byte while the container is frozen for a moment; a byte without a lock
// was left by a command that was killed.
type FreezeLock struct {
	file   *os.File
	cgroup string
	frozen bool
}

const freezeLockFile = "freeze.lock"

// LockFreeze keeps other commands from freezing and thawing the container until
// Release.
func (d *Dir) LockFreeze() (*FreezeLock, error) { return d.lockFreeze(lockTimeout) }

func (d *Dir) lockFreeze(timeout time.Duration) (*FreezeLock, error) {
	file, err := os.OpenFile(d.Path(freezeLockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(file, file.Name(), timeout); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l := &FreezeLock{file: file, cgroup: d.Record.Cgroup}
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		l.frozen = true
		if err := l.thaw(); err != nil {
			return nil, errors.Join(err, file.Close())
		}
	}
	return l, nil
}

// Freeze freezes the container until Release. It is an error if the container is
// paused, unless ignorePaused: then it stays so, and until Release no command resumes it.
func (d *Dir) Freeze(ignorePaused bool) (*FreezeLock, error) {
	l, err := d.LockFreeze()
	if err != nil {
		return nil, err
	}
	paused, err := d.Record.isFrozen()
	if err == nil && paused && ignorePaused {
		return l, nil
	}
	if err == nil && paused {
		err = errors.New("the container is paused")
	}
	if err == nil {
		_, err = l.file.WriteAt([]byte{'!'}, 0)
	}
	if err == nil {
		l.frozen = true
		err = cgroup.Freeze(l.cgroup)
	}
	if err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// Release thaws what Freeze has frozen, and releases the lock.
func (l *FreezeLock) Release() error { return errors.Join(l.thaw(), l.file.Close()) }

func (l *FreezeLock) thaw() error {
	if !l.frozen {
		return nil
	}
	l.frozen = false
	err := cgroup.Thaw(l.cgroup)
	if cgroup.IsGone(err) {
		err = nil
	}
	return errors.Join(err, l.file.Truncate(0))
}

// isFrozenBriefly reports whether a command has frozen the container for a moment.
// It thaws a container whose command was killed.
func (d *Dir) isFrozenBriefly() (bool, error) {
	info, err := os.Stat(d.Path(freezeLockFile))
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l, err := d.lockFreeze(0)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return true, l.Release()
}
