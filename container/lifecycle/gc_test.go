package lifecycle

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
)

// newCgroup makes a cgroup beside those of all stores.
func newCgroup(t *testing.T, name string) string {
	t.Helper()
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	path := filepath.Join(mount, config.Host{Scope: config.ScopeOf(mount)}.CgroupParent(), name)
	testkit.Check(t, os.MkdirAll(path, 0o755))
	t.Cleanup(func() { cgroup.Remove(path) })
	return path
}

// TestCollectKeepsForeignCgroups: gc removes no cgroup of another store, however old and
// empty it is: the monitor of a container that has exited may not have read it yet.
func TestCollectKeepsForeignCgroups(t *testing.T) {
	path := newCgroup(t, container.NewID())
	then := time.Now().Add(-24 * time.Hour)
	testkit.Check(t, os.Chtimes(path, then, then))
	root := t.TempDir()
	testkit.Check(t, owned.Mark(root, owned.Store))
	left, err := Collect(root)
	testkit.Check(t, err)
	testkit.Equal(t, "removed", len(left), 0)
	if _, err := os.Stat(path); err != nil {
		t.Errorf("was removed: %v", err)
	}
}

// TestCopiedStore: in a copy of a store with a running container, its process and its
// cgroup stay, and the container of the copy has exited.
func TestCopiedStore(t *testing.T) {
	top := t.TempDir()
	root, copied := filepath.Join(top, "store"), filepath.Join(top, "copy")
	c := corrupt(t, root, "web", "none")
	group := newCgroup(t, c.ID)
	sleep := exec.Command("sleep", "1000")
	testkit.Check(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	task, err := state.New(c.Dir, container.TaskDir)
	testkit.Check(t, err)
	task.Record.Bundle, task.Record.Cgroup = c.Dir, group
	testkit.Check(t, task.SetProcess(sleep.Process.Pid), task.Commit(), task.Close())
	testkit.Check(t, exec.Command("cp", "-a", root, copied).Run())

	testkit.Check(t, container.Recover(copied))
	if _, err := os.Stat(group); err != nil {
		t.Errorf("cgroup of the original: %v", err)
	}
	status, err := task.Status()
	testkit.Equal(t, "the original", string(status), "running")
	testkit.Check(t, err)
	other, err := container.Locate(copied, "web")
	testkit.Check(t, err)
	exit, err := other.ExitStatus()
	testkit.Check(t, err)
	testkit.Equal(t, "the copy", exit.Describe(), "exit status unknown: the container was copied while it ran")

	testkit.Check(t, container.Recover(root)) // it has no monitor, and here it is killed
	if _, err := os.Stat(group); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cgroup of a recovered container: %v", err)
	}
}
