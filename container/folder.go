package container

// The folder of a container, <root>/containers/<id>, holds what it has on disk:
//
//	image          the digest of the manifest it was made from: written last,
//	               removed first, so that without it a folder is no container
//	settings.json  what was decided when it was made (settings.go)
//	config.json    the same as an OCI config: what each life begins with
//	remove         there, from its start on, if it goes when its process ends (--rm)
//	upper, work    what it has changed in its root, and overlayfs's workbench
//	hostname, hosts, resolv.conf
//	               bound over the files of that name in /etc
//	life           while it has a process: package runtime/state knows of that
//	watcher        which process watches over it, in the background (watcher.go)
//	log, log.1     what it has said in the background (package logs)
//	sleeps         there while the watcher waits to begin again
//	health.json    what the checks of its health have found (health.go)
//	end.json       how its last life ended (end.go)
//	waiters        who waits for that end locks it (wait.go)
//	stopped        a link to the number of the signal by which somebody has stopped
//	               it: it is not to be restarted
//
// Whoever runs the container, the command in the foreground or the watcher,
// locks the folder with flock(2): who can take that lock knows that it is gone.
//
// names/<name> is a symbolic link to the id: symlink(2) either makes it or says
// that the name is taken, whatever else happens at that moment.
//
// The folder, and the floor below its root, are made under the lock of
// containers/, shared by all who make one. What a kill -9 leaves, a folder that
// nobody holds, the next command sweeps up (sweep.go).

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/minictr/minictr/internal/lockfile"
	"golang.org/x/sys/unix"
)

const private = 0o700

// newID makes up an id as docker's are: 64 hexadecimal digits.
func newID() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// newFolder makes and locks the folder of a new container in the store's root,
// and sees that there is a floor among its layers. It is no container before
// commit.
func newFolder(root, layers string) (c *Container, err error) {
	containers := filepath.Join(root, "containers")
	if err := os.MkdirAll(containers, private); err != nil {
		return nil, err
	}
	all, err := lockfile.Lock(context.Background(), containers, lockfile.Shared)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	if err := layFloor(layers); err != nil {
		return nil, err
	}
	id := newID()
	c = &Container{ID: id, root: root, dir: filepath.Join(containers, id)}
	for _, dir := range []string{c.dir, c.path("upper"), c.path("work")} {
		if err := os.Mkdir(dir, private); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	err = os.Chmod(c.path("upper"), 0o755) // it becomes the container's /
	if err == nil {
		c.lock, err = lockfile.Lock(context.Background(), c.dir, lockfile.Exclusive)
	}
	if err != nil {
		return nil, errors.Join(err, c.remove())
	}
	return c, nil
}

func (c *Container) path(name string) string { return filepath.Join(c.dir, name) }

// write writes a file that others of the container's namespaces may read.
func (c *Container) write(name string, data []byte) error {
	return os.WriteFile(c.path(name), data, 0o644)
}

// replace writes a file in one step.
func (c *Container) replace(name string, data []byte) error {
	return atomicfile.Write(c.path(name), data, 0o600, false)
}

// writeDurable is replace with fsync(2), which --rm does without.
func (c *Container) writeDurable(name string, data []byte) error {
	return atomicfile.Write(c.path(name), data, 0o600, !c.Settings.Options.Remove)
}

// has tells whether there is a file of this name.
func (c *Container) has(name string) bool {
	_, err := os.Lstat(c.path(name))
	return err == nil
}

// drop removes a file, if it is there.
func (c *Container) drop(name string) error {
	if err := os.Remove(c.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// remove makes the folder no container first: if we are killed from there on, the
// sweep goes on, with the name too. It gives up the lock last.
func (c *Container) remove() error {
	err := c.drop("image")
	if err == nil {
		err = c.freeName()
	}
	if err == nil {
		err = os.RemoveAll(c.dir)
	}
	return errors.Join(err, c.unlock())
}

// markRemove notes that from now on nothing is to be left of it, if it is one of
// --rm.
func (c *Container) markRemove() error {
	if !c.Settings.Options.Remove {
		return nil
	}
	return c.write("remove", nil)
}

// discard removes a container that was never started, and what told of it.
func (c *Container) discard() error {
	err := c.remove()
	if c.cidFile != "" {
		err = errors.Join(err, os.Remove(c.cidFile))
	}
	return err
}

func (c *Container) unlock() error {
	if c.lock == nil {
		return nil
	}
	return c.lock.Close()
}

// take locks the container: from then on it is ours to run, or to remove. It
// waits a little, for a command may be looking at it, or the last one that ran
// it be about to end.
func (c *Container) take(patience time.Duration) error {
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		lock, err := lockfile.Try(c.dir, lockfile.Exclusive)
		switch {
		case err == nil && !c.has("image"): // it was removed meanwhile
			return errors.Join(lock.Close(), errNotExist)
		case err == nil:
			c.lock = lock
			return nil
		case errors.Is(err, fs.ErrNotExist):
			return errNotExist
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Since(began) > patience:
			return errRunning
		}
	}
}

var (
	errNotExist = errors.New("no such container")
	errRunning  = errors.New("it is running")
	errBusy     = hint.New(errors.New("another command is at work on it"), "wait until that one has ended: cp, rm or gc, for example")
)
