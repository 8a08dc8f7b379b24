package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

var adjectives = [...]string{"agile", "bold", "brave", "bright", "calm", "clever", "cosy", "eager", "early", "fair",
	"gentle", "glad", "happy", "jolly", "keen", "kind", "lively", "lucid", "merry", "mild", "neat", "nimble",
	"patient", "plain", "quick", "quiet", "ready", "sharp", "shy", "steady", "sunny", "swift", "tidy", "vivid", "warm", "wise"}

var nouns = [...]string{"bind", "buffer", "cache", "cgroup", "clone", "dentry", "epoll", "fork", "futex", "inode",
	"kernel", "link", "mount", "mutex", "page", "pidfd", "pipe", "pivot", "process", "root", "rope", "session", "signal",
	"slab", "socket", "stack", "stream", "symlink", "task", "thread", "timer", "token", "tmpfs", "veth", "wait"}

// claimName gives the container its name, or one that is made up.
func claimName(c *container.Container, name string) error {
	if err := os.MkdirAll(filepath.Join(c.StoreRoot, "names"), container.DirMode); err != nil {
		return err
	}
	if name != "" {
		err := claim(c, name)
		if errors.Is(err, fs.ErrExist) {
			err = errNameTaken(name)
		}
		return err
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

func claim(c *container.Container, name string) error {
	if err := state.CheckName(name); err != nil {
		return err
	}
	err := os.Symlink(c.ID, filepath.Join(c.StoreRoot, "names", name))
	if err == nil {
		c.Name = name
	}
	return err
}

func errNameTaken(name string) error {
	return hint.New(fmt.Errorf("name %q: another container has it", name),
		"choose another one, or remove that container with: minictr rm "+name)
}
