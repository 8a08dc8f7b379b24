package main

// An update may be killed at any system call. The cgroup, the settings and the config
// may then differ, but in this order: what the next start uses has been accepted by the
// kernel before. The next update, of any limit, makes them equal again.

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/testkit"
)

const (
	oldPages = 4 << 20
	newPages = 8 << 20
)

// TestKilledUpdate kills update at each step. The settings, the config and the cgroup
// then agree, or do after the next update.
func TestKilledUpdate(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedController(t, "hugetlb")
	store := t.TempDir()
	mustMinictr(t, store, "load", "-i", testkit.DemoImage(t))
	mustMinictr(t, store, "run", "-d", "--name", "one", "demo", "sleep", "1000")
	t.Cleanup(func() { mustMinictr(t, store, "rm", "-f", "one") })
	testkit.KillAt(t, testkit.Kill{
		Command: func(t *testing.T) *exec.Cmd {
			mustMinictr(t, store, "update", "--hugetlb-limit", "2MB:4m", "one")
			return exec.Command("minictr", "--root", store, "update", "--hugetlb-limit", "2MB:8m", "one")
		},
		Calls: "openat write flock renameat close",
		Truth: func(t *testing.T, k testkit.Killed) {
			kernel, typed, config := pages(t, store)
			if config == newPages && typed != newPages || typed == newPages && kernel != newPages {
				t.Errorf("the cgroup has %d, the settings %d, the config %d", kernel, typed, config)
			}
		},
		Clean: func(t *testing.T, k testkit.Killed) {
			mustMinictr(t, store, "update", "--pids-limit", "-1", "one")
			if kernel, typed, config := pages(t, store); kernel != typed || typed != config {
				t.Errorf("after another update: the cgroup has %d, the settings %d, the config %d", kernel, typed,
					config)
			}
		},
		Limit:  time.Minute,
		Enough: 20,
	})
}

// pages is the huge page limit in bytes, as three places have it.
func pages(t *testing.T, store string) (kernel, typed, config uint64) {
	t.Helper()
	c, err := container.Find(store, "one")
	testkit.Check(t, err)
	s, err := c.State()
	if err != nil || !s.Active() {
		t.Fatalf("%+v, %v", s, err)
	}
	text := testkit.ReadFile(t, filepath.Join(s.Cgroup, "hugetlb.2MB.max"))
	kernel, err = strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	testkit.Check(t, err)
	spec, err := c.Spec()
	if err != nil || len(spec.Linux.Resources.HugepageLimits) != 1 {
		t.Fatalf("%+v, %v", spec, err)
	}
	words := c.Settings.Options.HugetlbLimits
	if len(words) != 1 {
		t.Fatalf("settings: %q", words)
	}
	return kernel, map[string]uint64{"2MB:4m": oldPages, "2MB:8m": newPages}[words[0]],
		spec.Linux.Resources.HugepageLimits[0].Limit
}

// TestUpdatesAtOnce: each update leaves what the others change.
func TestUpdatesAtOnce(t *testing.T) {
	testkit.NeedRoot(t)
	store := t.TempDir()
	mustMinictr(t, store, "load", "-i", testkit.DemoImage(t))
	mustMinictr(t, store, "create", "--name", "one", "demo")
	changes := []string{"--restart=always", "--cgroup-conf=cgroup.max.depth=1",
		"--cgroup-conf=cgroup.max.descendants=2", "--pids-limit=-1", "--memory=-1", "--cpu-shares=1024"}
	var all sync.WaitGroup
	for _, change := range changes {
		all.Go(func() {
			for range 3 {
				if out, err := minictr(store, "update", change, "one"); err != nil {
					t.Errorf("update %s: %v\n%s", change, err, out)
				}
			}
		})
	}
	all.Wait()
	c, err := container.Find(store, "one")
	testkit.Check(t, err)
	o := c.Settings.Options
	if o.Restart != "always" || len(o.CgroupConf) != 2 || o.PidsLimit == nil || o.Memory != "-1" || o.CPUShares == nil {
		t.Errorf("changes are lost: restart %q, %+v", o.Restart, o.Limits)
	}
}
