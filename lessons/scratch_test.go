package lessons

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
)

// TestKilledCheck: a check removes what a killed one has left, its cgroup with the processes
// in it too, but nothing of one that still runs, nor of another user.
func TestKilledCheck(t *testing.T) {
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	t.Setenv("TMPDIR", t.TempDir())
	made := func() string {
		dir, err := os.MkdirTemp("", scratchName)
		testkit.Check(t, err, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
		return dir
	}

	// what a killed check leaves
	killed := made()
	group := filepath.Join(mount, filepath.Base(killed))
	testkit.Check(t, os.Mkdir(group, 0o755))
	t.Cleanup(func() { cgroup.Remove(group) })
	process := exec.Command("sh", "-c", "echo $$ >$0/cgroup.procs && exec sleep 1000", group)
	testkit.Check(t, process.Start())
	testkit.Eventually(t, "the process is in the cgroup", func() bool {
		pids, _ := cgroup.Pids(group)
		return len(pids) == 1
	})

	// what is not its own
	running, other := made(), made()
	lock, err := lockfile.Try(running, lockfile.Exclusive)
	testkit.Check(t, err, os.Chown(other, testkit.Nobody, testkit.Nobody))
	defer lock.Close()

	w := &Work{}
	testkit.Check(t, w.makeScratch())
	if err := process.Wait(); err == nil {
		t.Error("the process was not killed")
	}
	for path, want := range map[string]bool{
		killed: false, group: false, running + "/file": true, other + "/file": true, w.scratch: true,
	} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: exists: %v, want %v", path, err == nil, want)
		}
	}
	testkit.Check(t, w.end())
	if _, err := os.Stat(w.scratch); err == nil {
		t.Errorf("%s is left", w.scratch)
	}
}
