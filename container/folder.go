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
// The folder, and the floor below its root, are made under the lock of
// containers/, shared by all who make one. What a kill -9 leaves, a folder that
// nobody holds, the next command sweeps up (sweep.go).

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
	"github.com/minictr/minictr/runtime"
	"golang.org/x/sys/unix"
)

// folder is a container's place on disk, locked by this process.
type folder struct {
	id      string
	dir     string
	name    string // the link in names/, or ""
	cidFile string // that was written for the caller, or ""
	lock    *os.File
	keep    bool
}

const private = 0o700

// newID makes up an id as docker's are: 64 hexadecimal digits.
func newID() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// newFolder makes the folder of a new container of image in the store's root,
// and sees that there is a floor among its layers.
func newFolder(root, layers string, image *images.Image, o *Options) (f *folder, err error) {
	containers := filepath.Join(root, "containers")
	if err := os.MkdirAll(containers, private); err != nil {
		return nil, err
	}
	all, err := lockFolder(containers, unix.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := layFloor(layers); err != nil {
		return nil, err
	}
	id := newID()
	f = &folder{id: id, dir: filepath.Join(containers, id), keep: !o.Remove}
	defer func() {
		if err != nil {
			f.remove()
		}
	}()
	for _, dir := range []string{f.dir, f.path("upper"), f.path("work")} {
		if err := os.Mkdir(dir, private); err != nil {
			return f, err
		}
	}
	if err := os.Chmod(f.path("upper"), 0o755); err != nil { // it becomes the container's /
		return f, err
	}
	if f.lock, err = lockFolder(f.dir, unix.LOCK_EX); err != nil {
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

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name string, data []byte) error {
	return os.WriteFile(f.path(name), data, 0o644)
}

// take claims a name.
func (f *folder) take(root, name string) error {
	if name == "" {
		return nil
	}
	if err := runtime.CheckName(name); err != nil {
		return err
	}
	names := filepath.Join(root, "names")
	if err := os.MkdirAll(names, private); err != nil {
		return err
	}
	link := filepath.Join(names, name)
	err := os.Symlink(f.id, link)
	if errors.Is(err, fs.ErrExist) {
		return hint.New(fmt.Errorf("name %q: another container has it", name),
			"choose another one, or remove that container with: minictr rm "+name)
	}
	if err == nil {
		f.name = link
	}
	return err
}

// close ends the command's hold on the container, and removes it unless it is
// to be kept.
func (f *folder) close() error {
	if !f.keep {
		return f.remove()
	}
	return f.lock.Close()
}

// discard removes a container that was never started, and what told of it.
func (f *folder) discard() error {
	err := f.remove()
	if f.cidFile != "" {
		err = errors.Join(err, os.Remove(f.cidFile))
	}
	return err
}

// remove gives the name free first, and the lock last. Without its image the
// folder is no container: if we are killed from there on, Sweep goes on.
func (f *folder) remove() error {
	if f.name != "" {
		if err := os.Remove(f.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := os.Remove(f.path("image"))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.RemoveAll(f.dir)
	}
	if f.lock != nil {
		f.lock.Close()
	}
	return err
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
	f := &folder{dir: path, name: link, lock: lock}
	return f.remove()
}

// lookUp finds a container's folder, and its link in names/ if it was named so.
func lookUp(root, name string) (path, link string, err error) {
	if err := runtime.CheckName(name); err != nil {
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
