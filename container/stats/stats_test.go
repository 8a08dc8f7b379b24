package stats

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
)

// startInCgroup creates a cgroup and starts a program in it.
func startInCgroup(t *testing.T, name string, args ...string) (path string) {
	t.Helper()
	testkit.NeedRoot(t)
	mount, err := cgroup.Mount()
	testkit.Check(t, err)
	if path, err = os.MkdirTemp(mount, "minictr-stats"); err != nil {
		t.Fatal(err)
	}
	dir, err := os.Open(path)
	testkit.Check(t, err)
	defer dir.Close()
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	testkit.Check(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if err := cgroup.Remove(path); err != nil {
			t.Error(err)
		}
	})
	return path
}

// waitForCPU waits until the processes of the cgroup have used want nanoseconds.
func waitForCPU(t *testing.T, path string, want uint64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		u, err := Samples{}.Read(path)
		testkit.Check(t, err)
		if u.CPU.Nanoseconds >= want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a busy loop uses %d ns, want %d", u.CPU.Nanoseconds, want)
		}
	}
}

// wantPercent fails unless share is taken, of a time between least and most.
func wantPercent(t *testing.T, share *float64, taken uint64, least, most time.Duration) {
	t.Helper()
	if share == nil {
		t.Fatal("no share")
	}
	const rounded = 0.01
	if *share < 100*float64(taken)/float64(most)-rounded || *share > 100*float64(taken)/float64(least)+rounded {
		t.Errorf("%v percent: %d ns were used, of a time between %v and %v", *share, taken, least, most)
	}
}

// TestCPU: a share needs two samples of one cgroup, and is what its processes used.
func TestCPU(t *testing.T) {
	path := startInCgroup(t, "sh", "-c", "while :; do :; done")
	m := Samples{}
	began := time.Now()
	first, err := m.Read(path)
	if err != nil || first.CPU.Percent != nil {
		t.Fatalf("first sample: %+v, %v", first, err)
	}
	shortest := time.Now()
	waitForCPU(t, path, first.CPU.Nanoseconds+uint64(50*time.Millisecond))
	least := time.Since(shortest)
	second, err := m.Read(path)
	testkit.Check(t, err)
	wantPercent(t, second.CPU.Percent, second.CPU.Nanoseconds-first.CPU.Nanoseconds, least, time.Since(began))
	if stalled := second.Pressure.CPU; stalled == nil || second.Pressure.Memory == nil {
		t.Errorf("no pressure: %+v", second.Pressure)
	}
}

// TestNotCounted: a number without its controller is nil, not 0.
func TestNotCounted(t *testing.T) {
	path := startInCgroup(t, "sleep", "60")
	u, err := Samples{}.Read(path)
	testkit.Check(t, err)
	counted := cgroup.Available(path)
	for controller, there := range map[string]bool{"memory": u.Memory != nil, "pids": u.Pids != nil,
		"io": u.IO != nil} {
		if there != slices.Contains(counted, controller) {
			t.Errorf("%s: there %v, controllers %q", controller, there, counted)
		}
	}
	if _, err := (Samples{}).Read(path + "-nowhere"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such cgroup: %v", err)
	}
}

// TestFiles: each number is that of its file. A directory of plain files stands
// for a cgroup with all controllers, which scripts/test-vm has.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	const stall = "some avg10=1.50 avg60=0 avg300=0 total=9\nfull avg10=0.25 avg60=0 avg300=0 total=9\n"
	for name, text := range map[string]string{
		"cgroup.controllers": "cpu io memory pids\n",
		"cpu.stat":           "usage_usec 2000\nuser_usec 1500\nsystem_usec 500\n",
		"cpu.pressure":       stall, "memory.pressure": stall, "io.pressure": stall,
		"memory.current": "3000\n", "memory.max": "4000\n", "memory.stat": "anon 1000\nfile 1500\nkernel 400\n",
		"pids.current": "3\n", "pids.max": "max\n",
		"io.stat": "8:0 rbytes=1 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=2 wbytes=30 rios=1 wios=1 " +
			"dbytes=0 dios=0\n7:0\n",
	} {
		testkit.Check(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	inode, err := inodeOf(dir)
	testkit.Check(t, err)
	last := time.Now().Add(-time.Second)
	m := Samples{inode: sample{last, 1_000_000}}
	u, err := m.Read(dir)
	testkit.Check(t, err)
	testkit.Equal(t, "cpu", u.CPU.Nanoseconds, 2_000_000)
	wantPercent(t, u.CPU.Percent, 1_000_000, time.Second, time.Since(last))
	if m := u.Memory; m.Current != 3000 || m.Anon != 1000 || m.File != 1500 || m.Kernel != 400 || *m.Limit != 4000 ||
		*m.Percent != 75 {
		t.Errorf("memory %+v", m)
	}
	if p := u.Pids; p.Current != 3 || p.Limit != nil {
		t.Errorf("pids %+v", p)
	}
	if *u.IO != (IO{3, 50}) {
		t.Errorf("io %+v", u.IO)
	}
	for _, s := range []*Stall{u.Pressure.CPU, u.Pressure.Memory, u.Pressure.IO} {
		if s == nil || *s != (Stall{1.5, 0.25}) {
			t.Errorf("pressure %+v", s)
		}
	}
	for text, limit := range map[string]*uint64{"max": nil,
		strconv.FormatUint(math.MaxInt64, 10): new(uint64(math.MaxInt64))} {
		testkit.Check(t, os.WriteFile(filepath.Join(dir, "memory.max"), []byte(text), 0o644))
		u, err := m.Read(dir)
		if got := u.Memory.Limit; err != nil || (got == nil) != (limit == nil) || got != nil && *got != *limit {
			t.Errorf("memory.max %s: %v, %v", text, got, err)
		}
	}
}
