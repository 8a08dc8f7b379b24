package main

// A power cut or a broken disk corrupts files: they are empty, truncated, or nonsense.
// Such a container hinders no command, is reported, and can be removed with all its
// processes.

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// corruptions are the ways to corrupt a file.
var corruptions = map[string]func([]byte) []byte{
	"empty":    func([]byte) []byte { return nil },
	"half":     func(whole []byte) []byte { return whole[:len(strings.TrimSpace(string(whole)))/2] },
	"nonsense": func([]byte) []byte { return make([]byte, 100) },
}

// corruptFiles are files of a container, and what holds for one in which they are corrupt.
var corruptFiles = []struct {
	file   string
	shown  string // by ps -a
	starts bool   // it starts as before
	plain  bool   // rm needs no -f
}{
	{"settings.json", `Dead: read `, false, false},
	{"config.json", `Dead: read `, false, true},
	{"exit.json", `Exited (255) `, true, true},
	{"health.json", `Exited (143) `, true, true},
	{"monitor", `Exited (143) `, true, true},
	{"task/state.json", `Exited (255) `, true, true},
}

func TestCorruptContainer(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	said(t, "create", "--name", "other", "demo")
	for _, test := range corruptFiles {
		for kind, damage := range corruptions {
			t.Run(test.file+" "+kind, func(t *testing.T) {
				b := newTornBox(t)
				if test.file == "task/state.json" {
					b.killMonitor(t)
				} else {
					said(t, "stop", "box")
				}
				b.corrupt(t, test.file, damage)
				list, err := b.try("ps", "-a", "--no-trunc")
				shown := !strings.Contains(test.shown, "Dead")
				if (err == nil) != shown || !strings.Contains(list, test.shown) || !strings.Contains(list, "other") {
					t.Errorf("ps -a: %v\n%s", err, list)
				}
				if test.file != "health.json" && test.file != "monitor" && !strings.Contains(list, b.path(test.file)) {
					t.Errorf("ps -a does not name the file:\n%s", list)
				}
				b.works(t, true, "gc")
				b.works(t, test.file != "settings.json", "logs", "box")
				b.works(t, shown, "inspect", "box")
				b.works(t, test.starts, "start", "box")
				if test.starts {
					said(t, "kill", "box")
				}
				b.works(t, test.plain, "rm", "box")
				b.works(t, !test.plain, "rm", "-f", "box")
				b.isGone(t)
			})
		}
	}
}

// TestCorruptRunningContainer is the same while the container runs.
func TestCorruptRunningContainer(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	said(t, "create", "--name", "other", "demo")
	for _, test := range corruptFiles {
		for kind, damage := range corruptions {
			if test.file == "exit.json" {
				continue // it is read after the container has exited
			}
			t.Run(test.file+" "+kind, func(t *testing.T) {
				b := newTornBox(t)
				b.corrupt(t, test.file, damage)
				if list, _ := b.try("ps"); strings.Contains(list, "other") || !strings.Contains(list, "box") {
					t.Errorf("ps:\n%s", list)
				}
				if list, _ := b.try("ps", "-a", "--format", "{{.Names}}"); !strings.Contains(list, "other\n") ||
					!strings.Contains(list, "box\n") {
					t.Errorf("ps -a:\n%s", list)
				}
				b.works(t, true, "gc")
				b.works(t, true, "rm", "-f", "box")
				b.isGone(t)
			})
		}
	}
}

// TestExitStatusWithCorruptTask: the monitor records how a container exits, although the
// record of its task is corrupt; so does recovery for a monitor that was killed after that.
func TestExitStatusWithCorruptTask(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	for kind, damage := range corruptions {
		t.Run(kind, func(t *testing.T) {
			b := newTornBox(t)
			b.corrupt(t, "task/state.json", damage)
			testkit.Check(t, unix.Kill(b.pid, unix.SIGTERM))
			if !testkit.Within(func() bool {
				out, err := b.try("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}} {{.State.Why}}", "box")
				return err == nil && out == "exited 143 exited with code 143\n"
			}) {
				t.Error(b.try("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}} {{.State.Why}}", "box"))
			}
			b.works(t, true, "start", "box")
			b.works(t, true, "rm", "-f", "box")
			b.isGone(t)
		})
	}
}

// TestStartAfterCorruptCreate: a start that was killed may leave a corrupt record, or a
// directory without one.
func TestStartAfterCorruptCreate(t *testing.T) {
	testkit.NeedRoot(t)
	loadDemo(t)
	for kind, damage := range corruptions {
		for _, task := range []string{".creating.task", ".removed.task", "task"} {
			t.Run(task+" "+kind, func(t *testing.T) {
				b := newTornBox(t)
				record := testkit.ReadFile(t, b.path("task/state.json"))
				said(t, "stop", "box")
				testkit.Check(t, os.Mkdir(b.path(task), 0o700))
				b.works(t, true, "start", "box")
				said(t, "stop", "box")
				testkit.Check(t, os.Mkdir(b.path(task), 0o700))
				testkit.Check(t, os.WriteFile(b.path(task)+"/state.json", damage([]byte(record)), 0o600))
				b.works(t, true, "start", "box")
				if left, err := filepath.Glob(b.path(".*.task")); err != nil || len(left) > 0 {
					t.Errorf("left: %s %v", left, err)
				}
				b.works(t, true, "rm", "-f", "box")
				b.isGone(t)
			})
		}
	}
}

// corruptBox is a container called box.
type corruptBox struct {
	root, id string
	pid      int
}

func newTornBox(t *testing.T) *corruptBox {
	t.Helper()
	b := &corruptBox{root: os.Getenv("MINICTR_ROOT")}
	b.id = strings.TrimSpace(said(t, "run", "-d", "--name", "box", "--health-cmd", "true", "--health-interval", "1h",
		"--health-start-interval", "20ms", "--health-start-period", "1h",
		"demo", "sh", "-c", `trap "exit 143" TERM; echo ready; while :; do sleep 0.02; done`))
	t.Cleanup(func() { b.try("rm", "-f", "box") })
	ready(t) // to handle SIGTERM
	if !testkit.Within(func() bool {
		return said(t, "inspect", "--format", "{{.State.Health.Status}}", "box") == "healthy\n"
	}) {
		t.Fatal("it does not become healthy")
	}
	var err error
	if b.pid, err = strconv.Atoi(strings.TrimSpace(said(t, "inspect", "--format", "{{.State.Pid}}",
		"box"))); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *corruptBox) path(file string) string { return filepath.Join(b.root, "containers", b.id, file) }

func (b *corruptBox) try(args ...string) (string, error) { return minictr(b.root, args...) }

// works reports whether a command succeeds. If not, the error names the file, and the
// hint a command.
func (b *corruptBox) works(t *testing.T, want bool, args ...string) {
	t.Helper()
	out, err := b.try(args...)
	switch {
	case want && err != nil:
		t.Errorf("%s: %v\n%s", args, err, out)
	case want || args[0] == "rm" && strings.Contains(out, "no such container"):
	case err == nil || !strings.Contains(out, "read "+b.path("")) ||
		!strings.Contains(out, "hint: remove the container with: minictr rm -f "):
		t.Errorf("%s: %v\n%s", args, err, out)
	}
}

// corrupt corrupts a file. A process that has it open is not affected.
func (b *corruptBox) corrupt(t *testing.T, file string, damage func([]byte) []byte) {
	t.Helper()
	path := b.path(file)
	whole, err := os.ReadFile(path)
	if file == "monitor" && errors.Is(err, os.ErrNotExist) { // it has exited
		whole, err = []byte(`{"boot":"x"}`), nil
	}
	testkit.Check(t, err)
	testkit.Check(t, os.WriteFile(path, damage(whole), 0o600))
}

// killMonitor simulates a power cut: no exit status is recorded.
func (b *corruptBox) killMonitor(t *testing.T) {
	t.Helper()
	data := testkit.ReadFile(t, b.path("monitor"))
	_, rest, _ := strings.Cut(data, `"pid":`)
	digits, _, _ := strings.Cut(rest, ",")
	pid, err := strconv.Atoi(digits)
	testkit.Check(t, err)
	testkit.Check(t, unix.Kill(pid, unix.SIGKILL))
	if !testkit.Within(func() bool { return !alive(b.pid) }) {
		t.Error("the container outlives its monitor")
	}
}

// isGone fails the test if something of it is left.
func (b *corruptBox) isGone(t *testing.T) {
	t.Helper()
	if !testkit.Within(func() bool { return !alive(b.pid) }) {
		t.Errorf("its process %d survives", b.pid)
	}
	left, err := filepath.Glob("/sys/fs/cgroup/minictr/" + b.id)
	if err != nil || len(left) > 0 {
		t.Errorf("left: %s %v", left, err)
	}
	for _, path := range []string{b.path(""), filepath.Join(b.root, "names", "box")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("left: %s", path)
		}
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
