package lifecycle

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
)

// TestCollectCgroups: gc removes cgroups without a container that have been empty for
// long, with those below them, and no others.
func TestCollectCgroups(t *testing.T) {
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	root := t.TempDir()
	makeCgroup := func(name string, age time.Duration) string {
		path := filepath.Join(mount, config.CgroupParent, name)
		testkit.Check(t, os.MkdirAll(path, 0o755))
		t.Cleanup(func() { cgroup.Remove(path) })
		then := time.Now().Add(-age)
		testkit.Check(t, os.Chtimes(path, then, then))
		return path
	}
	old, own, busy := container.NewID(), container.NewID(), container.NewID()
	makeCgroup(filepath.Join(old, "below"), time.Hour)
	goes := makeCgroup(old, time.Hour)
	testkit.Check(t, os.MkdirAll(filepath.Join(root, "containers", own), 0o700))
	full := makeCgroup(filepath.Join(busy, "a-full"), time.Hour)
	stays := []string{
		makeCgroup(container.NewID(), time.Minute), makeCgroup(own, time.Hour),
		makeCgroup("not-a-container-"+old[:8], time.Hour),
		makeCgroup(filepath.Join(busy, "z-empty"), time.Hour), full, makeCgroup(busy, time.Hour),
	}
	sleep := exec.Command("sleep", "100")
	testkit.Check(t, sleep.Start())
	defer sleep.Wait()
	defer sleep.Process.Kill()
	pid := []byte(strconv.Itoa(sleep.Process.Pid))
	testkit.Check(t, os.WriteFile(filepath.Join(full, "cgroup.procs"), pid, 0))
	testkit.Check(t, os.WriteFile(filepath.Join(root, "containers", own, "image"), []byte("x"), 0o600))
	lock, err := lockfile.Try(filepath.Join(root, "containers", own), lockfile.Exclusive) // as its monitor does
	testkit.Check(t, err)
	defer lock.Close()
	left, err := Collect(root)
	testkit.Check(t, err)
	if !slices.Contains(left, container.Leftover{Kind: "cgroup", Name: goes, What: "removed"}) {
		t.Errorf("%s: not listed as removed: %v", goes, left)
	}
	if _, err := os.Stat(goes); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s still exists: %v", goes, err)
	}
	for _, path := range stays {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("was removed: %v", err)
		}
	}
}
