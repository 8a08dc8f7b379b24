package lifecycle

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/state"
)

// named makes a container called web, and locks it as the child of a killed run does.
func named(t *testing.T, root string, files ...string) (c *container.Container, lock *os.File) {
	t.Helper()
	c = corrupt(t, root, "web", "unused")
	for _, name := range files {
		testkit.Check(t, c.WriteFile(name, []byte("x")))
	}
	lock, err := lockfile.Try(c.Dir, lockfile.Exclusive)
	testkit.Check(t, err)
	t.Cleanup(func() { lock.Close() })
	return c, lock
}

// TestNameOfDyingContainer: a command that wants the name of a container of --rm, or of one
// that is not complete, waits until its last process has exited.
func TestNameOfDyingContainer(t *testing.T) {
	for what, change := range map[string]func(c *container.Container) error{
		"of --rm":      func(c *container.Container) error { return c.WriteFile("remove", nil) },
		"not complete": func(c *container.Container) error { return c.RemoveFile("image") },
	} {
		for command, take := range map[string]func(root string, c *container.Container) error{
			"create": func(root string, c *container.Container) error { return claimName(c, "web") },
			"rename": func(root string, c *container.Container) error { return Rename(root, "other", "web") },
		} {
			t.Run(what+" "+command, func(t *testing.T) {
				root := t.TempDir()
				dying, lock := named(t, root)
				testkit.Check(t, change(dying))
				other := corrupt(t, root, "other", "unused")
				taken := make(chan error)
				go func() { taken <- take(root, other) }()
				select {
				case err := <-taken:
					t.Fatalf("%v, while the lock is held", err)
				case <-time.After(50 * time.Millisecond):
				}
				lock.Close()
				testkit.Check(t, <-taken)
				id, err := os.Readlink(container.NamePath(root, "web"))
				testkit.Check(t, err)
				testkit.Equal(t, "the container called web", id, other.ID)
				if _, err := os.Lstat(dying.Dir); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the first one: %v", err)
				}
			})
		}
	}
}

// TestNameInUse: no command waits for a container that stays, or that runs.
func TestNameInUse(t *testing.T) {
	root := t.TempDir()
	stays, _ := named(t, root)
	other := corrupt(t, root, "other", "unused")
	testkit.WantError(t, "one that is locked", claimName(other, "web"), `name "web": in use`)
	testkit.Check(t, stays.WriteFile("remove", nil))
	sleep := exec.Command("sleep", "1000")
	testkit.Check(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	task, err := state.New(stays.Dir, container.TaskDir)
	testkit.Check(t, err, task.SetProcess(sleep.Process.Pid), task.Commit(), task.Close())
	testkit.WantError(t, "one of --rm that runs", claimName(other, "web"), `name "web": in use`)
}
