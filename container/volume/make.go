package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// Fill fills the files of a new volume, an open directory.
type Fill func(data *os.File) error

// New returns the record of a new volume.
func New(name string, created time.Time, anonymous bool) Volume {
	v := Volume{Name: name, Created: created, Anonymous: anonymous}
	if anonymous {
		v.Labels = map[string]string{AnonymousLabel: ""}
	}
	return v
}

// Make makes the volume v in dir, if there is none of its name. The caller holds the lock of
// dir.
func Make(dir string, v Volume) (made bool, err error) {
	s, err := openScratch(dir, v.Name)
	if err != nil {
		return false, err
	}
	defer s.close()
	if _, err := Get(dir, v.Name); !errors.Is(err, ErrNotExist) {
		return false, err
	}
	return true, s.make(&v, func(*os.File) error { return nil }, unix.RENAME_NOREPLACE)
}

// Use is Make for a container that mounts the volume. Fill fills a volume that no container
// has used and that is empty. The caller holds the lock of dir.
func Use(dir string, v Volume, fill Fill) (made bool, err error) {
	have, err := Get(dir, v.Name)
	if err == nil && have.Used && have.Shared {
		return false, nil
	}
	s, err := openScratch(dir, v.Name)
	if err != nil {
		return false, err
	}
	defer s.close()
	v.Used = true
	have, err = Get(dir, v.Name)
	switch {
	case errors.Is(err, ErrNotExist):
		return true, s.make(&v, fill, unix.RENAME_NOREPLACE)
	case err != nil:
		return false, err
	case !have.Used && isEmpty(DataPath(dir, v.Name)):
		have.Used = true
		return false, s.make(have, fill, unix.RENAME_EXCHANGE)
	}
	have.Used, have.Shared = true, have.Used
	return false, have.write(filepath.Join(dir, v.Name))
}

func isEmpty(dir string) bool {
	file, err := os.Open(dir)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = file.Readdirnames(1)
	return errors.Is(err, io.EOF)
}

// scratch is the directory .new/NAME, locked.
type scratch struct {
	path, target string
	lock         *os.File
}

// openScratch makes and locks the scratch directory of a volume. Another command that makes or
// removes a volume of that name is waited for.
func openScratch(dir, name string) (*scratch, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	s := &scratch{path: filepath.Join(dir, newName, name), target: filepath.Join(dir, name)}
	for {
		if err := os.Mkdir(s.path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		lock, err := lockfile.Lock(context.Background(), s.path, lockfile.Exclusive)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		named, err := lockfile.StillNamed(lock, s.path)
		if err == nil && named {
			s.lock = lock
			return s, s.clear()
		}
		if lock.Close(); err != nil {
			return nil, err
		}
	}
}

// clear removes what a killed command has left in the scratch directory.
func (s *scratch) clear() error {
	marked, err := owned.IsMarked(s.path, owned.Volume)
	if err != nil || !marked {
		return err
	}
	for _, name := range []string{dataName, recordName, "." + recordName, owned.MarkName} {
		if err := owned.RemoveAll(filepath.Join(s.path, name)); err != nil {
			return err
		}
	}
	return nil
}

// close removes the scratch directory, if it still is one, and releases its lock.
func (s *scratch) close() {
	s.clear()
	os.Remove(s.path) // unless it is not empty
	s.lock.Close()
}

// make makes a volume in the scratch directory, and gives it its place with renameat2(2).
func (s *scratch) make(v *Volume, fill Fill, flags uint) error {
	if err := owned.Mark(s.path, owned.Volume); err != nil {
		return err
	}
	// the files
	if err := os.Mkdir(filepath.Join(s.path, dataName), 0o755); err != nil {
		return err
	}
	data, err := os.Open(filepath.Join(s.path, dataName))
	if err != nil {
		return err
	}
	defer data.Close()
	if err := errors.Join(data.Chmod(0o755), fill(data)); err != nil {
		return err
	}
	if !v.Anonymous && !isEmpty(filepath.Join(s.path, dataName)) {
		if err := unix.Syncfs(int(data.Fd())); err != nil { // before the volume has its name
			return fmt.Errorf("syncfs: %w", err)
		}
	}
	// the record, and the name
	if err := v.write(s.path); err != nil {
		return err
	}
	return rename(s.path, s.target, flags)
}

func rename(from, to string, flags uint) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flags)
	if errors.Is(err, unix.EINVAL) {
		err = hint.New(err, "use a filesystem with renameat2(2) for --root: ext4, xfs, btrfs or tmpfs")
	}
	if err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	return nil
}
