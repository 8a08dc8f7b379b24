package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"golang.org/x/sys/unix"
)

// These errors have runc's words: engines look for them.
var (
	ErrExist      = errors.New("container with given ID already exists")
	ErrNotExist   = errors.New("container does not exist")
	ErrNotRunning = errors.New("container not running")
)

// ErrCorrupt says that a container's record cannot be read: a power cut has lost a part of
// it. The Dir beside the error knows at most the cgroup, and can be removed.
var ErrCorrupt = errors.New("corrupt record")

const (
	creating = ".creating."
	removed  = ".removed."
)

// Creating returns the name of the directory of a container that is being created.
func Creating(id string) string { return creating + id }

// Dir is the directory of a container.
type Dir struct {
	Record Record

	root, id string
	marked   bool     // the root has the mark of package owned
	prefix   string   // of the directory's name: creating, or "" for a container
	lock     *os.File // the directory itself, locked; nil for a reader
}

// New makes and locks the directory of a new container, which exists from Commit
// on. The caller has checked the id (CheckID). The error is ErrExist if the id
// is in use.
func New(root, id string) (*Dir, error) {
	// the root, without leftovers of killed commands
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	names, marked, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	if slices.Contains(names, id) {
		return nil, fmt.Errorf("%s: %w", id, ErrExist)
	}
	if !marked {
		if err := markRoot(root); err != nil {
			return nil, err
		}
	}
	// the directory
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	record := Record{ID: id, Created: time.Now().UTC(), Process: Process{Boot: boot}}
	d := &Dir{Record: record, root: root, id: id, marked: true, prefix: creating}
	if err := d.makeDir(); err != nil {
		return nil, err
	}
	// another command may have committed a container of this id since
	if _, err := os.Lstat(filepath.Join(root, id)); err == nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", id, ErrExist), d.Remove())
	}
	return d, nil
}

// Fifo makes a FIFO in the directory, and opens both its ends (fifo(7)).
func (d *Dir) Fifo(name string) (*os.File, error) {
	if err := unix.Mkfifo(d.Path(name), 0o600); err != nil {
		return nil, fmt.Errorf("mkfifo %s: %w", d.Path(name), err)
	}
	return os.OpenFile(d.Path(name), os.O_RDWR, 0)
}

// makeDir makes and locks the directory. Between the two another command may
// remove it as a leftover; then it is made again.
func (d *Dir) makeDir() error {
	for {
		err := os.Mkdir(d.Path(""), 0o700)
		if errors.Is(err, fs.ErrExist) {
			err = removeLeftover(d.Path(""))
			if err == nil {
				continue
			}
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%s: %w", d.id, ErrExist)
		}
		if err != nil {
			return err
		}
		if d.lock, err = lockDir(d.Path(""), lockTimeout); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
}

// Commit makes the directory a container: from here on every command finds it,
// even if this one is killed. Paths that Path returned before are void.
func (d *Dir) Commit() error {
	made := d.Path("")
	d.prefix = ""
	err := unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, d.Path(""), unix.RENAME_NOREPLACE)
	if err == nil {
		return nil
	}
	d.prefix = creating
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: %w", d.id, ErrExist)
	}
	return fmt.Errorf("renameat2 %s, %s: %w", made, d.id, err)
}

// Open finds a container and locks it, for a command that changes it. It waits
// until a container that is being created exists. The error is ErrNotExist if
// there is none.
func Open(root, id string) (*Dir, error) {
	for {
		d, err := OpenReadOnly(root, id)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return nil, err
		}
		d.lock, err = lockDir(d.Path(""), lockTimeout)
		if errors.Is(err, fs.ErrNotExist) {
			continue // renamed or removed since
		}
		if err != nil {
			return nil, err
		}
		if d.prefix == "" {
			return d, d.load()
		}
		d.Close() // its creator was killed: OpenReadOnly removes the leftover
	}
}

// OpenReadOnly finds a container, or one that is being created, for a command
// that only reads. The error is ErrNotExist if there is none.
func OpenReadOnly(root, id string) (*Dir, error) {
	names, marked, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	return find(&Dir{root: root, id: id, marked: marked}, slices.Contains(names, Creating(id)))
}

// find tries the names that the directory may have. It may be renamed meanwhile;
// and a create that has just begun has saved no record.
func find(d *Dir, isCreating bool) (*Dir, error) {
	for _, d.prefix = range []string{"", creating, ""} {
		if d.prefix == creating && !isCreating {
			break
		}
		if err := d.load(); !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	if !isCreating {
		return nil, fmt.Errorf("%s: %w", d.id, ErrNotExist)
	}
	d.prefix = creating
	d.Record = Record{ID: d.id}
	return d, nil
}

// List finds all containers, and those that are being created, sorted by id. It
// returns those that can be read, and an error for the others.
func List(root string) (list []*Dir, err error) {
	names, marked, err := recoverRoot(root)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, name := range names {
		id, isCreating := strings.CutPrefix(name, creating)
		if strings.HasPrefix(id, ".") {
			continue
		}
		d, err := find(&Dir{root: root, id: id, marked: marked}, isCreating)
		if err == nil {
			list = append(list, d)
		} else if !errors.Is(err, ErrNotExist) { // deleted since
			failed = append(failed, err)
		}
	}
	slices.SortFunc(list, func(a, b *Dir) int { return strings.Compare(a.id, b.id) })
	return list, errors.Join(failed...)
}

// ID is the container's.
func (d *Dir) ID() string { return d.id }

// Path returns the path of a file in the directory; "" is the directory itself.
func (d *Dir) Path(file string) string {
	return filepath.Join(d.root, d.prefix+d.id, file)
}

// Remove removes the directory, which is locked, and releases the lock.
func (d *Dir) Remove() error {
	path := d.Path("")
	if d.prefix == "" {
		path = filepath.Join(d.root, removed+d.id)
		if err := os.Rename(d.Path(""), path); err != nil {
			return err
		}
	}
	return errors.Join(owned.RemoveAll(path), d.Close())
}

// Unlock releases the lock, but keeps the directory open for Lock.
func (d *Dir) Unlock() error { return unix.Flock(int(d.lock.Fd()), unix.LOCK_UN) }

// Lock takes the lock again. The error is ErrNotExist if the container was
// removed since Unlock.
func (d *Dir) Lock() error {
	err := lockOpenDir(d.lock, d.Path(""), lockTimeout)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", d.id, ErrNotExist)
	}
	return err
}

// Close releases the lock, if there is one.
func (d *Dir) Close() error {
	if d.lock == nil {
		return nil
	}
	return d.lock.Close()
}

// lockTimeout is how long a command waits for the lock of another one.
const lockTimeout = 10 * time.Second

// lockDir opens and locks a directory. The error is EWOULDBLOCK after the
// timeout, and fs.ErrNotExist if the path no longer leads to the directory that
// was locked.
func lockDir(path string, timeout time.Duration) (*os.File, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := lockOpenDir(dir, path, timeout); err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// lockOpenDir is lockDir for a directory that is open.
func lockOpenDir(dir *os.File, path string, timeout time.Duration) error {
	if err := lockFile(dir, path, timeout); err != nil {
		return err
	}
	named, err := lockfile.StillNamed(dir, path)
	if !named {
		err = errors.Join(err, fs.ErrNotExist)
	}
	return err
}

// lockFile locks an open file, whose path may have changed since. The error is
// EWOULDBLOCK after the timeout.
func lockFile(file *os.File, path string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), timeout, unix.EWOULDBLOCK)
	defer cancel()
	err := lockfile.LockFile(ctx, file, lockfile.Exclusive)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("lock %s: %w", path, unix.EWOULDBLOCK)
	}
	return hint.New(err, "wait for the other command to exit: it holds the container's lock")
}
