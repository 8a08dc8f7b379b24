package main

import (
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// TestMain moves the tests of root into a mount namespace of their own: engines mount on
// the host, and tests of other packages compare its mounts.
func TestMain(m *testing.M) {
	const moved = "MINICTR_TEST_MOUNTS"
	unshare, err := exec.LookPath("unshare")
	if err != nil || os.Geteuid() != 0 || os.Getenv(moved) != "" {
		os.Exit(m.Run())
	}
	args := append([]string{"unshare", "--mount", "--propagation", "private", "--", os.Args[0]}, os.Args[1:]...)
	panic(unix.Exec(unshare, args, append(os.Environ(), moved+"=own")))
}

// setup builds the two programs that targets need.
func setup(t *testing.T) benchmark.Setup {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("CGO_ENABLED", "0")
	_, err := benchmark.Run(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-tags=urfave_cli_no_docs", "-o", dir, "../../cmd/minictr", "../workload")
	testkit.Check(t, err)
	source, err := filepath.Abs("../..")
	testkit.Check(t, err)
	return benchmark.Setup{Source: source, Minictr: filepath.Join(dir, "minictr"),
		Workload: filepath.Join(dir, "workload"), Log: io.Discard}
}

// shortDir makes a directory with a short name, for sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench")
	testkit.Check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// The smallest form, from the measurement to the page, of all targets that are
// available; of machines, the smallest, emulated: MACHINES=all adds the others,
// which takes minutes, and -short leaves out all. Of times one alone is asserted:
// containers are there before machines.
func TestSmallest(t *testing.T) {
	testkit.NeedRoot(t)
	t.Setenv("VM_ACCEL", "tcg")
	targets := slices.DeleteFunc(all(), func(target benchmark.Target) bool {
		f := target.Facts()
		more := f.Kind == benchmark.Machine && f.Name != "QEMU initramfs" && os.Getenv("MACHINES") != "all"
		return more || f.Kind == benchmark.Machine && testing.Short() || target.Available() != nil
	})

	// measure, write and read
	dir, s := t.TempDir(), setup(t)
	s.Scratch = shortDir(t)
	measured, err := measure(t.Context(), targets, benchmark.Smallest(), s, dir)
	testkit.Check(t, err)
	testkit.Check(t, write(measured, dir))
	r, err := read(filepath.Join(dir, "report.json"))
	testkit.Check(t, err)
	page := html.UnescapeString(testkit.ReadFile(t, filepath.Join(dir, "report.html")))

	// compare
	slowest, fastest := 0.0, 1e12 // containers, machines
	for _, f := range r.Targets {
		median := checkFigures(t, r, f)
		switch f.Kind {
		case benchmark.Container:
			slowest = max(slowest, median)
		case benchmark.Machine:
			fastest = min(fastest, median)
			if !strings.Contains(page, "· emulated") {
				t.Error("the page does not say that machines were emulated")
			}
		}
		if !strings.Contains(page, f.Name) {
			t.Errorf("%s is not in the page", f.Name)
		}
	}
	if slowest >= fastest {
		t.Errorf("a container starts in %.1f ms, a machine in %.1f ms", slowest/1e6, fastest/1e6)
	}
	if len(r.Failed) > 0 {
		t.Errorf("failures: %+v", r.Failed)
	}
	checkNothingLeft(t, s)
}

// checkFigures: all figures of a target are there and can be true. It returns
// the median of the warm starts in nanoseconds.
func checkFigures(t *testing.T, r *benchmark.Report, f benchmark.Facts) float64 {
	t.Helper()
	if f.LeftOut != "" {
		t.Fatalf("%s is left out: %s", f.Name, f.LeftOut)
	}

	// a container is alone, a machine has a kernel and memory of its own
	machine := f.Kind == benchmark.Machine
	host, err := benchmark.Inspect()
	testkit.Check(t, err)
	if f.Emulated != machine || f.Version == "" || f.Seen.Processes < 1 ||
		f.Kind == benchmark.Container && f.Seen.Processes != 1 ||
		(f.Seen.Kernel != host.Kernel) != machine || (int64(f.Seen.MemoryKiB)*1024 < host.Memory) != machine {
		t.Errorf("%+v; the host is %+v", f, host)
	}

	// starts; minictr divides some into the parts of its plan
	warm, cold := []float64{}, 0
	for _, s := range r.Starts {
		var names []string
		for _, p := range s.Phases {
			names = append(names, p.Name)
			if p.Took < 0 || p.Took == 0 && (s.Explained || machine) {
				t.Errorf("%s: phase %s took %v", s.Target, p.Name, p.Took)
			}
		}
		switch {
		case s.Target != f.Name:
		case s.Explained:
			want := "the engine itself, cgroup, mount, clone, pivot, exec, first byte"
			if got := strings.Join(names, ", "); got != want {
				t.Errorf("%s: phases %s; want %s", f.Name, got, want)
			}
		case s.Cold:
			cold++
		default:
			warm = append(warm, float64(s.Took()))
		}
	}

	// sizes and work; a daemon's heap may shrink while instances are started
	sizes, work := []int64{}, 0
	for _, s := range r.Sizes {
		if s.Target == f.Name && s.N > 0 && s.PSS > 100<<10 && s.Disk > 1<<20 && s.Processes >= s.N {
			sizes = append(sizes, s.PSS-s.Daemons)
		}
	}
	for _, w := range r.Work {
		if w.Target == f.Name && w.Inside > 0 && w.Host > 0 {
			work++
		}
	}
	starts := r.Options.Containers
	if machine {
		starts = r.Options.Machines
	}
	if len(warm) != starts || cold != 1 || len(sizes) != 2 || sizes[0] >= sizes[1] ||
		work != len(benchmark.WorkKinds()) {
		t.Errorf("%s: starts %v, %d cold, memory %v, %d kinds of work", f.Name, warm, cold, sizes, work)
	}
	return benchmark.Summarize(warm).Median
}

// A benchmark that is killed leaves containers. The next one, which knows only the
// scratch directory, removes them.
func TestLeftoversAreRemoved(t *testing.T) {
	testkit.NeedRoot(t)
	s := setup(t)
	for n, killed := range all() {
		next, ok := all()[n].(benchmark.Recoverer)
		if f := killed.Facts(); !ok || f.Kind != benchmark.Container {
			continue
		}
		t.Run(killed.Facts().Name, func(t *testing.T) {
			if err := killed.Available(); err != nil {
				t.Skip(err)
			}
			s.Scratch = shortDir(t)
			testkit.Check(t, killed.Prepare(t.Context(), s))
			i, err := killed.Start(t.Context())
			testkit.Check(t, err)
			pids := i.Processes()
			if daemons := killed.Processes(); len(daemons) > 0 { // as the kernel does when the benchmark dies
				testkit.Check(t, unix.Kill(daemons[0], unix.SIGTERM))
			}
			testkit.Check(t, next.Recover(t.Context(), s))
			testkit.Eventually(t, "the processes have ended", func() bool { return !slices.ContainsFunc(pids, alive) })
			checkNothingLeft(t, s)
		})
	}
}

// alive reports whether a process exists, and is no zombie.
func alive(pid int) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest != "" && rest[0] != 'Z'
}

// checkNothingLeft: no process names the scratch directory, nothing is mounted in
// it, and no runtime has a state.
func checkNothingLeft(t *testing.T, s benchmark.Setup) {
	t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range append(files, "/proc/self/mountinfo") {
		if text, _ := os.ReadFile(file); strings.Contains(string(text), s.Scratch+"/") {
			t.Errorf("%s: %q", file, text)
		}
	}
	if states, _ := filepath.Glob("/run/*" + filepath.Base(s.Scratch) + "*"); len(states) > 0 {
		t.Errorf("there is still %v", states)
	}
}

// One benchmark runs at a time, and only in a directory of its own user.
func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scratch")
	first, err := lock(dir)
	testkit.Check(t, err)
	if _, err := lock(dir); err == nil || err.Error() != "another benchmark is running" || hint.Of(err) == "" {
		t.Errorf("a second one: %v", err)
	}
	first.Close()
	second, err := lock(dir)
	testkit.Check(t, err)
	second.Close()
	link := dir + "2"
	testkit.Check(t, os.Symlink(dir, link))
	_, err = lock(link)
	testkit.WantError(t, "a link to a directory", err, "belongs to another user")
	if os.Getuid() == 0 {
		testkit.Check(t, os.Chown(dir, 1, 1))
		_, err = lock(dir)
		testkit.WantError(t, "a directory of another user", err, "belongs to another user")
	}
}
