package container

// The folder of a container, <root>/containers/<id>, holds what it has on disk:
//
//	image        the digest of the manifest it was made from: written last,
//	             removed first, so that without it a folder is no container
//	remove       there if the container goes when its process ends (--rm)
//	upper, work  what it has changed in its root, and overlayfs's workbench
//	hostname, hosts, resolv.conf
//	             bound over the files of that name in /etc
//
// The command that runs the container locks the folder with flock(2): whoever
// can take that lock knows that the command is gone.
//
// names/<name> is a symbolic link to the id: symlink(2) either makes it or says
// that the name is taken, whatever else happens at that moment.
//
// The folder is made under the lock of containers/, shared by all who make
// one. Sweep takes that lock for itself, so it never sees a folder whose owner
// has not locked it yet. What a kill -9 leaves, a folder that nobody holds, is
// removed by the next command; the kernel has ended the process already.

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// Folder is a container's place on disk, locked by this process.
type Folder struct {
	ID   string
	Path string
	name string // the link in names/, or ""
	lock *os.File
	keep bool
}

const (
	cgroupParent = "minictr"
	private      = 0o700
)

// newID makes up an id as docker's are: 64 hexadecimal digits.
func newID() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// NewFolder makes the folder of a new container of image in the store's root.
func NewFolder(root string, image *images.Image, o *Options) (f *Folder, err error) {
	containers := filepath.Join(root, "containers")
	if err := os.MkdirAll(containers, private); err != nil {
		return nil, err
	}
	all, err := lockFolder(containers, unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	id := newID()
	f = &Folder{ID: id, Path: filepath.Join(containers, id), keep: !o.Remove}
	defer func() {
		if err != nil {
			f.remove()
		}
	}()
	for _, dir := range []string{f.Path, f.path("upper"), f.path("work")} {
		if err := os.Mkdir(dir, private); err != nil {
			return f, err
		}
	}
	if err := os.Chmod(f.path("upper"), 0o755); err != nil { // it becomes the container's /
		return f, err
	}
	if f.lock, err = lockFolder(f.Path, unix.LOCK_EX); err != nil {
		return f, err
	}
	if o.Remove {
		if err := f.write("remove", nil); err != nil {
			return f, err
		}
	}
	if err := f.write("image", []byte(image.Manifest+"\n")); err != nil {
		return f, err
	}
	return f, f.take(root, o.Name)
}

func (f *Folder) path(name string) string { return filepath.Join(f.Path, name) }

func (f *Folder) write(name string, data []byte) error {
	return os.WriteFile(f.path(name), data, 0o644)
}

// take claims a name.
func (f *Folder) take(root, name string) error {
	if name == "" {
		return nil
	}
	if err := CheckName(name); err != nil {
		return err
	}
	names := filepath.Join(root, "names")
	if err := os.MkdirAll(names, private); err != nil {
		return err
	}
	link := filepath.Join(names, name)
	err := os.Symlink(f.ID, link)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("name %q: another container has it", name),
			"choose another one, or remove that container with: minictr rm "+name)
	}
	if err == nil {
		f.name = link
	}
	return err
}

// Close ends the command's hold on the container, and removes it unless it is
// to be kept.
func (f *Folder) Close() error {
	if !f.keep {
		return f.remove()
	}
	return f.lock.Close()
}

// Discard removes a container that was never started.
func (f *Folder) Discard() error { return f.remove() }

// remove gives the name free first, and the lock last. Without its image the
// folder is no container: if we are killed from there on, Sweep goes on.
func (f *Folder) remove() error {
	if f.name != "" {
		if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := os.Remove(f.path("image"))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.RemoveAll(f.Path)
	}
	if f.lock != nil {
		f.lock.Close()
	}
	return err
}

// Sweep removes what commands that were killed have left in the store's root:
// cgroups of processes that are gone, containers that were to be removed,
// names of containers that are not there. If a container is being made at this
// moment it leaves the work to the next command.
func Sweep(root string) error {
	containers := filepath.Join(root, "containers")
	all, err := lockFolder(containers, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer all.Close()
	ids, err := all.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := sweepOne(filepath.Join(containers, id)); err != nil {
			return fmt.Errorf("sweep container %s: %w", id, err)
		}
	}
	return sweepNames(root)
}

// sweepOne cleans up a container unless somebody runs it.
func sweepOne(path string) error {
	lock, err := lockFolder(path, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	if mount, err := cgroup.Mount(); err == nil {
		if err := cgroup.Remove(filepath.Join(mount, cgroupParent, filepath.Base(path))); err != nil {
			return err
		}
	}
	if keep(path) {
		return nil
	}
	return os.RemoveAll(path)
}

// keep: the folder is complete, and its container is not one of --rm.
func keep(path string) bool {
	image, err := os.Stat(filepath.Join(path, "image"))
	_, remove := os.Stat(filepath.Join(path, "remove"))
	return err == nil && image.Size() > 0 && errors.Is(remove, fs.ErrNotExist)
}

func sweepNames(root string) error {
	links, err := filepath.Glob(filepath.Join(root, "names", "*"))
	if err != nil {
		return err
	}
	for _, link := range links {
		id, err := os.Readlink(link)
		if err != nil {
			continue
		}
		if _, err := os.Lstat(filepath.Join(root, "containers", id)); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// lockFolder opens a folder and locks it. The lock is gone when the file is
// closed, by the kernel if need be.
func lockFolder(path string, how int) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return f, flock(f, how)
}

// flock locks f, or closes it.
func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			f.Close()
			return fmt.Errorf("flock %s: %w", f.Name(), err)
		}
	}
}

// Remove removes a container that has ended, by its name, its id or the
// beginning of its id.
func Remove(root, name string) error {
	path, link, err := lookUp(root, name)
	if err != nil {
		return fmt.Errorf("remove container %q: %w", name, err)
	}
	lock, err := lockFolder(path, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return hint.New(fmt.Errorf("remove container %q: it is running", name), "end its process first")
	}
	if err != nil {
		return err
	}
	f := &Folder{Path: path, name: link, lock: lock}
	return f.remove()
}

// lookUp finds a container's folder, and its link in names/ if it was named so.
func lookUp(root, name string) (path, link string, err error) {
	if err := CheckName(name); err != nil {
		return "", "", err
	}
	containers := filepath.Join(root, "containers")
	link = filepath.Join(root, "names", name)
	if id, err := os.Readlink(link); err == nil {
		return filepath.Join(containers, id), link, nil
	}
	found, err := filepath.Glob(filepath.Join(containers, name+"*"))
	switch {
	case err != nil:
		return "", "", err
	case len(found) == 0:
		return "", "", hint.New(errors.New("no such container"), "containers lie in "+containers)
	case len(found) > 1:
		return "", "", errors.New("several ids begin so")
	}
	return found[0], "", nil
}
