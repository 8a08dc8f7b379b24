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
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Hold keeps images from being removed until release is called. Who starts a
// container holds the store from looking up the image until the container is
// written down in containers/<id>/image.
func (s *Store) Hold() (release func(), err error) {
	return s.lock("lock", unix.LOCK_SH)
}

// tidy collects what a crash left, unless others are at work in the store:
// then the next load will.
func (s *Store) tidy(scratch *scratch) error {
	release, err := s.lock("lock", unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	_, err = s.collect(scratch)
	return err
}

func (s *Store) lock(name string, how int) (release func(), err error) {
	f, err := os.OpenFile(s.path(name), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, how); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
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

// scratch is a folder for what is being made, in the store's file system.
type scratch struct {
	path string
	dir  *os.File
}

// scratch makes a scratch folder, after it has removed those of the dead. The
// index lock covers the moment in which a new one is not locked yet.
func (s *Store) scratch() (*scratch, error) {
	release, err := s.lock("index.lock", unix.LOCK_EX)
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
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &scratch{path, dir}, flock(dir, unix.LOCK_EX)
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
		dir, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if flock(dir, unix.LOCK_EX|unix.LOCK_NB) == nil {
			err = os.RemoveAll(path)
		}
		if err = errors.Join(err, dir.Close()); err != nil {
			return err
		}
	}
	return nil
}
