package owned

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// RemoveAll removes the file or directory at path, with all that is in it, as
// os.RemoveAll does, except that it enters no mount point: that is an error, and what is
// mounted stays as it is. It is no error if path does not exist.
func RemoveAll(path string) error {
	parent, err := os.Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer parent.Close()
	r := &removal{}
	return r.remove(parent, filepath.Base(path), 0)
}

// maxDepth is how many directories are open at once. A program in a container may have
// made more of them, one in the other, than a process may open.
const maxDepth = 100

// A removal is one call of RemoveAll.
type removal struct {
	top   *os.File // the directory that is removed, nil for a file
	moved int      // directories that were moved into top, for their depth
}

// remove removes an entry of the directory parent.
func (r *removal) remove(parent *os.File, name string, depth int) error {
	err := unix.Unlinkat(int(parent.Fd()), name, 0)
	if errors.Is(err, unix.EISDIR) {
		if depth == maxDepth {
			return r.move(parent, name)
		}
		if err := r.empty(parent, name, depth); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		err = unix.Unlinkat(int(parent.Fd()), name, unix.AT_REMOVEDIR)
	}
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return removeError(filepath.Join(parent.Name(), name), err)
}

// empty removes all entries of a directory.
func (r *removal) empty(parent *os.File, name string, depth int) error {
	dir, err := openDir(parent, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if depth == 0 {
		r.top = dir
	}
	for {
		// what is moved into top meanwhile is found by the next look
		moved := r.moved
		names, err := dir.Readdirnames(-1)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := r.remove(dir, name, depth+1); err != nil {
				return err
			}
		}
		if depth > 0 || moved == r.moved {
			return nil
		}
		if _, err := dir.Seek(0, 0); err != nil {
			return err
		}
	}
}

// openDir opens a directory unless it is a mount point (openat2(2)).
func openDir(parent *os.File, name string) (*os.File, error) {
	path := filepath.Join(parent.Name(), name)
	for {
		fd, err := unix.Openat2(int(parent.Fd()), name, &unix.OpenHow{
			Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS,
		})
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return nil, removeError(path, err)
		}
	}
}

// move moves a directory into the one that is removed.
func (r *removal) move(parent *os.File, name string) error {
	for {
		r.moved++
		err := unix.Renameat2(int(parent.Fd()), name, int(r.top.Fd()), fmt.Sprint(r.moved), unix.RENAME_NOREPLACE)
		if !errors.Is(err, unix.EEXIST) {
			return removeError(filepath.Join(parent.Name(), name), err)
		}
	}
}

func removeError(path string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EBUSY) {
		return hint.New(fmt.Errorf("remove %s: a filesystem is mounted on it", path), "umount "+path)
	}
	return fmt.Errorf("remove %s: %w", path, err)
}
