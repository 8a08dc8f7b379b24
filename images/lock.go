package images

// Several commands may use one store at once. Two locks, both flock(2), which
// the kernel gives back when a process dies:
//
//	lock        shared by those who add or use (load, run), exclusive for
//	            those who remove (rmi): what one has seen stays there
//	index.lock  exclusive while index.json is read, changed and written
//
// Readers of index.json need neither: it is replaced by rename(2).
//
// A scratch folder is itself locked as long as its owner lives. One that can
// be locked was left by a crash. And while nobody adds or uses, blobs and
// layers that no image leads to were left by one, between the renames of a
// load and its last step, or in the middle of a removal.

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

// Hold keeps images from being removed until release is called. Who starts a
// container holds the store from looking up the image until the container is
// written down in containers/<id>/image.
func (s *Store) Hold() (release func(), err error) {
	return s.lock("lock", lockfile.Shared)
}

// tidy collects what a crash left, unless others are at work in the store:
// then the next load will.
func (s *Store) tidy(scratch *scratch) error {
	lock, err := lockfile.Try(s.path("lock"), lockfile.Exclusive)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) { // the latter in a new store
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	_, err = s.collect(scratch)
	return err
}

func (s *Store) lock(name string, how lockfile.Mode) (release func(), err error) {
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

// scratch is a folder for what is being made, in the store's file system.
type scratch struct {
	path string
	dir  *os.File
}

// scratch makes a scratch folder, after it has removed those of the dead. The
// index lock covers the moment in which a new one is not locked yet.
func (s *Store) scratch() (*scratch, error) {
	release, err := s.lock("index.lock", lockfile.Exclusive)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := s.removeAbandoned(); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(s.path("tmp"), "")
	if err != nil {
		return nil, err
	}
	dir, err := lockfile.Lock(context.Background(), path, lockfile.Exclusive)
	return &scratch{path, dir}, err
}

func (t *scratch) file(name string) string { return filepath.Join(t.path, name) }

func (t *scratch) close() error {
	return errors.Join(os.RemoveAll(t.path), t.dir.Close())
}

func (s *Store) removeAbandoned() error {
	left, err := filepath.Glob(s.path("tmp", "*"))
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
		if err := errors.Join(os.RemoveAll(path), dir.Close()); err != nil {
			return err
		}
	}
	return nil
}
