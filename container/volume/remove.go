package volume

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Remove removes a volume of dir. The caller holds the lock of dir exclusively, and knows that
// no container has the volume.
func Remove(dir, name string) error {
	s, err := openScratch(dir, name)
	if err != nil {
		return err
	}
	defer s.close()
	if err := checkMark(s.target); err != nil { // its record may be unreadable
		return err
	}
	if err := rename(s.target, s.path, 0); err != nil { // the scratch directory is empty
		return err
	}
	return s.clear()
}

// Recover removes what killed commands have left of volumes in dir, and returns their names.
func Recover(dir string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, newName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		path := filepath.Join(dir, newName, e.Name())
		if !owned.IsDir(path) {
			continue
		}
		lock, lockErr := lockfile.Try(path, lockfile.Exclusive)
		if errors.Is(lockErr, unix.EWOULDBLOCK) || errors.Is(lockErr, fs.ErrNotExist) {
			continue
		}
		if lockErr != nil {
			return names, lockErr
		}
		s := &scratch{path: path, lock: lock}
		if named, _ := lockfile.StillNamed(lock, path); named {
			if marked, _ := owned.IsMarked(path, owned.Volume); marked {
				names = append(names, e.Name())
			}
			err = errors.Join(err, s.clear())
			os.Remove(path) // unless it is not empty
		}
		lock.Close()
	}
	return names, err
}
