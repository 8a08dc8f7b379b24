// Package state knows which containers there are, and what is true of them.
//
// A container is one folder, <root>/<id>, of mode 0700:
//
//	config.json  the config as it was when the container was created: what is
//	             done to the bundle later does not count
//	state.json   the Record: which process, which cgroup, which bundle
//	go           a FIFO, if the container is to wait for start: its process holds
//	             it open until start lets it go on
//	report       a FIFO: what that process tells start of its last steps
//
// No file says whether the container runs. That is asked of the kernel, every
// time (Status).
//
// A folder has its own name only while it is a whole container. It is made as
// ".creating.<id>"; the rename to <id> is the moment at which the container is
// there. To be removed it is renamed to ".removed.<id>" first. Whoever makes,
// changes or removes one holds a lock on it, flock(2), which the kernel takes
// back when its holder dies. So a folder with a dot in front that nobody holds
// is what a kill -9 has left, and every command begins with clearing that away
// (sweep.go). Readers take no lock.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The words of these errors are runc's: engines look for them.
var (
	ErrExist      = errors.New("container with given ID already exists")
	ErrNotExist   = errors.New("container does not exist")
	ErrNotRunning = errors.New("container not running")
)

const (
	creating = ".creating."
	removed  = ".removed."
)

// Dir is a container's place on disk.
type Dir struct {
	Record Record

	root, id string
	prefix   string   // of the folder's name: creating, or "" for a container
	lock     *os.File // the folder itself, locked; nil for a reader
}

// New makes the folder of a container that is to be created, and locks it. It
// is no container before Commit. The caller has checked the id.
func New(root, id string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	names, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	if slices.Contains(names, id) {
		return nil, fmt.Errorf("%s: %w", id, ErrExist)
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	f := &Dir{Record: Record{ID: id, Created: time.Now().UTC(), Process: Process{Boot: boot}}, root: root, id: id, prefix: creating}
	if err := f.makeDir(); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(root, id)); err == nil { // another one has got this name since we looked
		return nil, errors.Join(fmt.Errorf("%s: %w", id, ErrExist), f.Remove())
	}
	return f, nil
}

// Fifo makes the FIFO of this name, and opens both its ends.
func (f *Dir) Fifo(name string) (*os.File, error) {
	if err := unix.Mkfifo(f.Path(name), 0o600); err != nil {
		return nil, fmt.Errorf("mkfifo %s: %w", f.Path(name), err)
	}
	return os.OpenFile(f.Path(name), os.O_RDWR, 0)
}

// makeDir makes and locks the folder. Between the two another command may have
// taken it for a remainder; then it is made again.
func (f *Dir) makeDir() error {
	for {
		err := os.Mkdir(f.Path(""), 0o700)
		if errors.Is(err, fs.ErrExist) {
			err = removeLeftover(f.Path(""))
			if err == nil {
				continue
			}
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%s: %w", f.id, ErrExist)
		}
		if err != nil {
			return err
		}
		if f.lock, err = lockDir(f.Path(""), lockTimeout); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// Commit makes the folder a container: from here on it is there for all
// commands, whatever becomes of this one. What Path said before no longer holds.
func (f *Dir) Commit() error {
	made := f.Path("")
	f.prefix = ""
	err := unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, f.Path(""), unix.RENAME_NOREPLACE)
	if err == nil {
		return nil
	}
	f.prefix = creating
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: %w", f.id, ErrExist)
	}
	return fmt.Errorf("renameat2 %s, %s: %w", made, f.id, err)
}

// Release finds a container and locks it, for a command that changes it. One that
// is being created is waited for.
func Open(root, id string) (*Dir, error) {
	for {
		f, err := OpenReadOnly(root, id)
		if err != nil {
			return nil, err
		}
		f.lock, err = lockDir(f.Path(""), lockTimeout)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has another name now, or none
		}
		if err != nil {
			return nil, err
		}
		if f.prefix == "" {
			return f, f.load()
		}
		f.Close() // whoever created it was killed: Look clears that away
	}
}

// OpenReadOnly finds a container, also one that is being created, for a command that
// only reads.
func OpenReadOnly(root, id string) (*Dir, error) {
	names, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	return find(root, id, slices.Contains(names, creating+id))
}

// find tries the names that the folder may have. While we look it may get its
// own name; and a create that has only begun has not saved anything yet.
func find(root, id string, held bool) (*Dir, error) {
	f := &Dir{root: root, id: id}
	for _, f.prefix = range []string{"", creating, ""} {
		if f.prefix == creating && !held {
			break
		}
		if err := f.load(); !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	if !held {
		return nil, fmt.Errorf("%s: %w", id, ErrNotExist)
	}
	f.prefix = creating
	f.Record = Record{ID: id}
	return f, nil
}

// List finds all containers, those too that are being created, by their ids. A
// folder that cannot be read is an error beside those that can.
func List(root string) (list []*Dir, err error) {
	names, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, name := range names {
		id, held := strings.CutPrefix(name, creating)
		if strings.HasPrefix(id, ".") {
			continue
		}
		f, err := find(root, id, held)
		if err == nil {
			list = append(list, f)
		} else if !errors.Is(err, ErrNotExist) { // as one has that is deleted at this moment
			failed = append(failed, err)
		}
	}
	slices.SortFunc(list, func(a, b *Dir) int { return strings.Compare(a.id, b.id) })
	return list, errors.Join(failed...)
}

// ID is the container's.
func (f *Dir) ID() string { return f.id }

// Path is where a file of the folder lies.
func (f *Dir) Path(file string) string {
	return filepath.Join(f.root, f.prefix+f.id, file)
}

// Remove removes a folder that is locked, and gives up the lock.
func (f *Dir) Remove() error {
	path := f.Path("")
	if f.prefix == "" {
		path = filepath.Join(f.root, removed+f.id)
		if err := os.Rename(f.Path(""), path); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(path), f.Close())
}

// Unlock lets other commands at the container, and Lock keeps them away again;
// then it may not exist any more (ErrNotExist).
func (f *Dir) Unlock() error { return unix.Flock(int(f.lock.Fd()), unix.LOCK_UN) }

func (f *Dir) Lock() error {
	err := lockOpenDir(f.lock, f.Path(""), lockTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", f.id, ErrNotExist)
	}
	return err
}

// Close gives up the lock, if there is one.
func (f *Dir) Close() error {
	if f.lock == nil {
		return nil
	}
	return f.lock.Close()
}
