package images

// Several commands may use a store at the same time. They take two locks, both
// flock(2), which the kernel releases when a process dies:
//
//	lock        shared while a command adds or uses images (load, run), exclusive
//	            while it removes them (rmi): what a command has seen stays
//	index.lock  exclusive while index.json is read, changed and written
//
// Reading index.json needs no lock: it is replaced by rename(2).
//
// A command works in a scratch directory, which it locks until it exits. One that
// is not locked was left by a crash. And if "lock" is not held, a blob or layer
// that no image refers to was left by a crash too: in a load after the renames, or
// in a removal.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Hold keeps images from being removed until release is called. To start a
// container, hold the store from looking up the image until the file
// containers/<id>/image is written.
func (s *Store) Hold() (release func(), err error) {
	return s.lock("lock", lockfile.Shared)
}

// lock takes a lock of the store. Without a store the error is fs.ErrNotExist.
func (s *Store) lock(name string, how lockfile.Mode) (release func(), err error) {
	if !s.marked {
		return nil, &fs.PathError{Op: "lock", Path: s.path(name), Err: fs.ErrNotExist}
	}
	f, err := os.OpenFile(s.path(name), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockfile.LockFile(context.Background(), f, how); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

// locked calls do in a scratch directory while it holds "lock". The error of do is
// preceded by what the command does.
func (s *Store) locked(how lockfile.Mode, what string, do func(*scratch) error) error {
	release, err := s.lock("lock", how)
	if err != nil {
		return err
	}
	defer release()
	return s.inScratch(what, do)
}

// tidy removes the unreferenced blobs and layers that a crash left. If another
// command uses the store, a later load does that.
func (s *Store) tidy(what string) error {
	lock, err := lockfile.Try(s.path("lock"), lockfile.Exclusive)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) { // the latter in a new store
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return s.inScratch(what, func(scratch *scratch) error {
		_, err := s.collect(scratch)
		return err
	})
}

// A scratch is a directory in the filesystem of the store for files that are being
// made.
type scratch struct {
	path string
	dir  *os.File
}

// inScratch calls do in a scratch directory.
func (s *Store) inScratch(what string, do func(*scratch) error) error {
	scratch, err := s.scratch()
	if err != nil {
		return err
	}
	if err = do(scratch); err != nil {
		err = hintRoom(s, fmt.Errorf("%s: %w", what, err))
	}
	return errors.Join(err, scratch.close())
}

// scratch makes a scratch directory, after it has removed abandoned ones. While
// the new one is not locked yet, index.lock protects it.
func (s *Store) scratch() (*scratch, error) {
	release, err := s.lock("index.lock", lockfile.Exclusive)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := s.removeAbandoned(); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(s.path("tmp"), scratchPrefix)
	if err != nil {
		return nil, err
	}
	dir, err := lockfile.Lock(context.Background(), path, lockfile.Exclusive)
	return &scratch{path, dir}, err
}

func (t *scratch) file(name string) string { return filepath.Join(t.path, name) }

func (t *scratch) close() error {
	return errors.Join(owned.RemoveAll(t.path), t.dir.Close())
}

// removeAbandoned removes the scratch directories of commands that were killed.
func (s *Store) removeAbandoned() error {
	left, err := s.own("tmp", isScratch)
	if err != nil {
		return err
	}
	for _, path := range left {
		dir, err := lockfile.Try(path, lockfile.Exclusive)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := errors.Join(owned.RemoveAll(path), dir.Close()); err != nil {
			return err
		}
	}
	return nil
}
