package lifecycle

// A name is a symbolic link to an ID (container.NamePath). symlink(2) either makes it or
// fails with EEXIST: of two commands that claim a name at the same moment, one gets it.

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
)

// A generated name is an adjective and a noun.
var adjectives = [...]string{"agile", "bold", "brave", "bright", "calm", "clever", "cosy", "eager", "early", "fair",
	"gentle", "glad", "happy", "jolly", "keen", "kind", "lively", "lucid", "merry", "mild", "neat", "nimble",
	"patient", "plain", "quick", "quiet", "ready", "sharp", "shy", "steady", "sunny", "swift", "tidy", "vivid", "warm",
	"wise"}

var nouns = [...]string{"bind", "buffer", "cache", "cgroup", "clone", "dentry", "epoll", "fork", "futex", "inode",
	"kernel", "link", "mount", "mutex", "page", "pidfd", "pipe", "pivot", "process", "root", "rope", "session",
	"signal", "slab", "socket", "stack", "stream", "symlink", "task", "thread", "timer", "token", "tmpfs", "veth",
	"wait"}

// claimName gives the container its name, or a generated one if name is "". The caller
// holds the container's lock.
func claimName(c *container.Container, name string) error {
	if err := os.MkdirAll(container.NamePath(c.StoreRoot, ""), container.DirMode); err != nil {
		return err
	}
	if name != "" {
		return takeName(c.StoreRoot, name, func() error { return claim(c, name) })
	}
	for tries := 0; ; tries++ {
		name := adjectives[rand.IntN(len(adjectives))] + "_" + nouns[rand.IntN(len(nouns))]
		if tries > 3 {
			name = fmt.Sprintf("%s_%d", name, rand.IntN(10000))
		}
		if err := claim(c, name); !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
}

// claim gives the container a name, unless another one has it (fs.ErrExist).
func claim(c *container.Container, name string) error {
	if err := state.CheckName(name); err != nil {
		return err
	}
	err := os.Symlink(c.ID, container.NamePath(c.StoreRoot, name))
	if err == nil {
		c.Name = name
	}
	return err
}

// takeName calls take, which gives a name to a container. If another one has the name
// (fs.ErrExist), and is about to lose it, takeName recovers the store and tries again.
func takeName(root, name string, take func() error) error {
	err := take()
	for began := time.Now(); errors.Is(err, fs.ErrExist); time.Sleep(2 * time.Millisecond) {
		if !mayLoseName(root, name) || time.Since(began) > container.KillTimeout {
			return hint.New(fmt.Errorf("name %q: in use by another container", name),
				"choose another name, or remove that container with: minictr rm "+name)
		}
		if _, _, err = container.RecoverStore(root, lockfile.Try); err == nil {
			err = take()
		}
	}
	return err
}

// mayLoseName reports whether the container that has a name is not complete, or one of
// --rm without a process. When the command that runs it is killed, its child holds the
// lock until it has exited, too, and keeps recovery from the container.
func mayLoseName(root, name string) bool {
	id, err := os.Readlink(container.NamePath(root, name))
	if err != nil {
		return true // it has lost it
	}
	c, err := container.Open(root, id, name)
	if err != nil {
		return errors.Is(err, container.ErrNotExist)
	}
	s, err := c.State()
	return err == nil && !s.Active() && c.Has("remove")
}
