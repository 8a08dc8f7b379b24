package container

// The names by which containers are called: links in the folder names.

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime"
	"golang.org/x/sys/unix"
)

// Of these a name is made up: how it feels, and what it is made of.
var (
	moods = [...]string{"agile", "bold", "brave", "bright", "calm", "clever", "cosy", "eager", "early", "fair",
		"gentle", "glad", "happy", "jolly", "keen", "kind", "lively", "lucid", "merry", "mild", "neat", "nimble",
		"patient", "plain", "quick", "quiet", "ready", "sharp", "shy", "steady", "sunny", "swift", "tidy", "vivid", "warm", "wise"}
	matters = [...]string{"bind", "buffer", "cache", "cgroup", "clone", "dentry", "epoll", "fork", "futex", "inode",
		"kernel", "link", "mount", "mutex", "page", "pidfd", "pipe", "pivot", "process", "root", "rope", "session", "signal",
		"slab", "socket", "stack", "stream", "symlink", "task", "thread", "timer", "token", "tmpfs", "veth", "wait"}
)

func (c *Container) link() string { return filepath.Join(c.root, "names", c.Name) }

// claimName gives the container its name, or one that is made up.
func (c *Container) claimName(name string) error {
	if err := os.MkdirAll(filepath.Join(c.root, "names"), private); err != nil {
		return err
	}
	if name != "" {
		err := c.claim(name)
		if errors.Is(err, fs.ErrExist) {
			err = taken(name)
		}
		return err
	}
	for tries := 0; ; tries++ {
		name := moods[rand.IntN(len(moods))] + "_" + matters[rand.IntN(len(matters))]
		if tries > 3 {
			name = fmt.Sprintf("%s_%d", name, rand.IntN(10000))
		}
		if err := c.claim(name); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

func (c *Container) claim(name string) error {
	if err := runtime.CheckName(name); err != nil {
		return err
	}
	err := os.Symlink(c.ID, filepath.Join(c.root, "names", name))
	if err == nil {
		c.Name = name
	}
	return err
}

// freeName gives up the container's name. It may have got another one since we
// looked, and the one it had may be another container's.
func (c *Container) freeName() error {
	if id, err := os.Readlink(c.link()); err != nil || id != c.ID {
		c.Name = namesOf(c.root)[c.ID]
	}
	if c.Name == "" {
		return nil
	}
	if err := os.Remove(c.link()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func taken(name string) error {
	return hint.New(fmt.Errorf("name %q: another container has it", name),
		"choose another one, or remove that container with: minictr rm "+name)
}

// Rename gives a container another name, in one step. Of several at once each begins
// where the last one has ended.
func Rename(root, from, to string) error {
	c, err := Find(root, from)
	if err != nil {
		return fmt.Errorf("rename %w", err)
	}
	if err := runtime.CheckName(to); err != nil {
		return err
	}
	lock, err := lockfile.Lock(context.Background(), filepath.Join(c.root, "names"), lockfile.Exclusive)
	if err != nil {
		return fmt.Errorf("rename container %q: %w", from, err)
	}
	defer lock.Close()
	switch c.Name = namesOf(c.root)[c.ID]; c.Name {
	case "": // it was removed since
		return fmt.Errorf("rename container %q: %w", from, errNotExist)
	case to:
		return hint.New(fmt.Errorf("rename container %q: that is its name", from), "choose another one")
	}
	err = unix.Renameat2(unix.AT_FDCWD, c.link(), unix.AT_FDCWD, filepath.Join(c.root, "names", to), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		return taken(to)
	}
	if errors.Is(err, unix.ENOENT) {
		err = errNotExist
	}
	if err != nil {
		return fmt.Errorf("rename container %q to %q: %w", from, to, err)
	}
	return nil
}

// namesOf are the names of containers by their ids.
func namesOf(root string) map[string]string {
	dir := filepath.Join(root, "names")
	entries, _ := os.ReadDir(dir) // none is made before the first container
	names := make(map[string]string, len(entries))
	for _, e := range entries {
		if id, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			names[id] = e.Name()
		}
	}
	return names
}
