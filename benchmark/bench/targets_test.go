package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/benchmark"
	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// setup builds the two programs that targets need.
func setup(t *testing.T) benchmark.Setup {
	t.Helper()
	dir := t.TempDir()
	for _, pkg := range [...]string{"../../cmd/minictr", "../workload"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "urfave_cli_no_docs",
			"-ldflags", "-s -w", "-o", dir, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	source, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return benchmark.Setup{Source: source, Minictr: filepath.Join(dir, "minictr"),
		Workload: filepath.Join(dir, "workload"), Log: io.Discard}
}

// scratch makes a directory with a short name, for sockets.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// eachTarget runs a test for the targets that are available. Of machines, these are
// the smallest, without -short; MACHINES=all adds the others, which takes minutes.
func eachTarget(t *testing.T, test func(*testing.T, benchmark.Target, benchmark.Setup)) {
	s := setup(t)
	for _, target := range all() {
		name, kind := target.Facts().Name, target.Facts().Kind
		t.Run(name, func(t *testing.T) {
			if err := target.Available(); err != nil {
				t.Skip(err)
			}
			if kind == benchmark.Machine && (testing.Short() || name != "QEMU initramfs" && os.Getenv("MACHINES") != "all") {
				t.Skip("it takes long")
			}
			s := s
			s.Scratch = scratch(t)
			test(t, target, s)
		})
	}
}

// Each target serves two instances at the same time, which answer, work, and
// are gone when they have been stopped.
func TestTargetsServe(t *testing.T) {
	eachTarget(t, func(t *testing.T, target benchmark.Target, s benchmark.Setup) {
		defer func() {
			if err := target.Close(); err != nil {
				t.Error(err)
			}
		}()
		if err := target.Prepare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		f := target.Facts()
		t.Logf("%+v, daemons %v", f, target.Processes())
		checkExplain(t, target)
		var running [2]*benchmark.Instance
		for n := range running {
			i, err := target.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			running[n] = i
			defer checkStop(t, i)
			t.Log(i.Phases, i.Answer, i.Processes())
			checkAnswer(t, f.Kind, i)
		}
		checkRun(t, f.Kind, running[1])
		if disk, err := target.Disk(); err != nil || disk < 1<<20 {
			t.Errorf("disk: %d bytes, %v", disk, err)
		}
	})
}

// checkExplain: minictr divides a start into the parts of its plan.
func checkExplain(t *testing.T, target benchmark.Target) {
	t.Helper()
	explainer, ok := target.(benchmark.Explainer)
	if !ok {
		return
	}
	phases, err := explainer.Explain(t.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range phases {
		names = append(names, p.Name)
		if p.Took <= 0 {
			t.Errorf("phase %s took %v", p.Name, p.Took)
		}
	}
	want := "the engine itself, cgroup, mount, clone, pivot, exec, first byte"
	if got := strings.Join(names, ", "); got != want {
		t.Errorf("phases: %s; want %s", got, want)
	}
}

// checkAnswer: a container is alone, a machine has a kernel and memory of its own.
func checkAnswer(t *testing.T, kind benchmark.Kind, i *benchmark.Instance) {
	t.Helper()
	host, err := benchmark.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	a := i.Answer
	switch kind {
	case benchmark.Container:
		if a.Processes != 1 {
			t.Errorf("the workload sees %d processes, not itself alone", a.Processes)
		}
	case benchmark.Machine:
		if a.Kernel == "" || a.Kernel == host.Kernel || a.MemoryKiB < 32<<10 || a.MemoryKiB > 1<<20 {
			t.Errorf("the workload answered %+v", a)
		}
		for _, p := range i.Phases {
			if p.Took <= 0 {
				t.Errorf("phase %s took %v", p.Name, p.Took)
			}
		}
	}
}

// checkRun: a program inside is given its arguments, and its output and failure
// are returned.
func checkRun(t *testing.T, kind benchmark.Kind, i *benchmark.Instance) {
	t.Helper()
	var out bytes.Buffer
	if err := i.Run(t.Context(), &out, benchmark.Workload, "calls", "0.05"); err != nil {
		t.Fatal(err)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(out.String())); err != nil || n < 1 {
		t.Errorf("the work inside printed %q", out.String())
	}
	if err := i.Run(t.Context(), &out, benchmark.Workload, "no such work", "1"); err == nil {
		t.Error("a program that failed is no error")
	}
	if kind != benchmark.Machine {
		return
	}
	out.Reset()
	const words = "two  words; and no more"
	err := i.Run(t.Context(), &out, "/bin/busybox", "echo", "it's", words)
	if err != nil || out.String() != "it's "+words+"\n" {
		t.Errorf("echo printed %q, %v", out.String(), err)
	}
}

func checkStop(t *testing.T, i *benchmark.Instance) {
	t.Helper()
	pids := i.Processes()
	if err := i.Stop(); err != nil {
		t.Error(err)
	}
	if len(pids) == 0 || slices.ContainsFunc(pids, alive) {
		t.Errorf("of processes %v some have not ended", pids)
	}
}

// A benchmark that is killed leaves containers. The next one, which knows only the
// scratch directory, removes them, with mounts and states.
func TestLeftoversAreRemoved(t *testing.T) {
	eachTarget(t, func(t *testing.T, killed benchmark.Target, s benchmark.Setup) {
		next, ok := choose(all(), killed.Facts().Name)[0].(benchmark.Recoverer)
		if !ok || killed.Facts().Kind != benchmark.Container {
			t.Skip("it leaves files alone")
		}
		if err := killed.Prepare(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		i, err := killed.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pids := i.Processes()
		if daemons := killed.Processes(); len(daemons) > 0 { // as the kernel does when the benchmark dies
			if err := unix.Kill(daemons[0], unix.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		if err := next.Recover(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "the processes have ended", func() bool { return !slices.ContainsFunc(pids, alive) })
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil || strings.Contains(string(mounts), s.Scratch+"/") {
			t.Errorf("%v, there are mounts in %s", err, s.Scratch)
		}
		if states, _ := filepath.Glob("/run/*" + filepath.Base(s.Scratch) + "*"); len(states) > 0 {
			t.Errorf("there is still %v", states)
		}
	})
}

// alive reports whether a process exists, and is no zombie.
func alive(pid int) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	return rest != "" && rest[0] != 'Z'
}
