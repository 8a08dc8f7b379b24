// Package lockfile locks files and directories with flock(2).
//
// A lock belongs to the open file description, not to a process: it is released
// when the last descriptor of it is closed, by the kernel if the process is
// killed, and it is inherited over fork(2) and execve(2). So every function
// returns or takes the *os.File, and to close it is to unlock.
//
// A file that is removed or renamed keeps its lock: a command that waited for it
// then holds the lock of a file that no path leads to. Callers whose files are
// removed ask StillNamed once they hold the lock.
//
// Do not use it for byte ranges, or on NFS, where flock(2) is something else.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Mode is the kind of a lock.
type Mode int

const (
	Shared    Mode = unix.LOCK_SH // any number of holders, none of them exclusive
	Exclusive Mode = unix.LOCK_EX // one holder
)

// Lock opens the file or directory at path for reading and locks it, as LockFile
// does.
func Lock(ctx context.Context, path string, how Mode) (*os.File, error) {
	return open(path, func(f *os.File) error { return LockFile(ctx, f, how) })
}

// Try is Lock without waiting. The error is EWOULDBLOCK if there is a holder.
func Try(path string, how Mode) (*os.File, error) {
	return open(path, func(f *os.File) error { return flock(f, int(how)|unix.LOCK_NB) })
}

// LockFile locks an open file, and waits for its holder until ctx ends: then the
// error is the cause of that (context.Cause). A lock that is free is taken even if
// ctx has ended.
func LockFile(ctx context.Context, f *os.File, how Mode) error {
	if ctx.Done() == nil {
		return flock(f, int(how))
	}
	for began := time.Now(); ; {
		err := flock(f, int(how)|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		pause := min(max(time.Since(began)/10, time.Millisecond), 50*time.Millisecond)
		select {
		case <-ctx.Done():
			return fmt.Errorf("flock %s: %w", f.Name(), context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// StillNamed reports whether path leads to f, and not over a symbolic link.
func StillNamed(f *os.File, path string) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(opened, named), err
}

func open(path string, lock func(*os.File) error) (*os.File, error) {
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openFile is os.Open without its five system calls that ask whether epoll(7) takes the file.
func openFile(path string) (*os.File, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if err != unix.EINTR {
			return nil, &os.PathError{Op: "open", Path: path, Err: err}
		}
	}
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return fmt.Errorf("flock %s: %w", f.Name(), err)
		}
	}
}
