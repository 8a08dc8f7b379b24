package lessons

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
)

// harmful is a student's program that mounts on a directory, makes a cgroup, starts a process that
// no parent waits for, and never ends.
const harmful = `package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	fmt.Println(unix.Mount("tmpfs", os.Args[2], "tmpfs", 0, ""), os.Mkdir(os.Args[1], 0o755))
	detached := exec.Command("setsid", "-f", "sh", "-c", "trap '' TERM HUP INT; sleep 1000; echo x")
	fmt.Println(detached.Run(), os.WriteFile(os.Args[1]+"/cgroup.procs", []byte("0"), 0o644))
	time.Sleep(time.Hour)
}
`

// TestHarmfulProgram: a check whose program does all kinds of harm ends, and the host is as
// before.
func TestHarmfulProgram(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	testkit.NeedTool(t, "go", "setsid")
	l, place := list[0], t.TempDir()
	var group, scratch string
	var processes []int
	l.check = func(w *Work) (err error) {
		if group, err = w.Cgroup(); err != nil {
			return err
		}
		scratch = w.scratch
		p, err := w.launch([]string{group, place})
		testkit.Check(t, err)
		if err := p.wait(func() bool { return strings.Count(p.Output(), "\n") == 2 }); err != nil {
			t.Fatalf("%v: %s", err, p.Output())
		}
		testkit.Equal(t, "what the program says", p.Output(), "<nil> <nil>\n<nil> <nil>\n")
		processes, err = w.Processes()
		testkit.Check(t, err)
		return missing("hint", "all is wrong")
	}
	mounts := testkit.ReadFile(t, "/proc/self/mountinfo")
	s, dir := start(t, &l)
	testkit.Check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(harmful), 0o644))
	wantMissing(t, &l, s, dir, "all is wrong")
	if len(processes) < 2 {
		t.Errorf("processes %v: the detached one is not among them", processes)
	}
	for _, pid := range processes {
		if state := state(pid); state != "" && state != "Z" {
			t.Errorf("process %d is left, state %s", pid, state)
		}
	}
	testkit.Equal(t, "mounts", testkit.ReadFile(t, "/proc/self/mountinfo"), mounts)
	if _, err := os.Stat(group); err == nil {
		t.Errorf("the cgroup %s is left", group)
	}
	if _, err := os.Stat(scratch); err == nil {
		t.Errorf("%s is left", scratch)
	}
}

// TestEndlessOutput: a program that prints without end, and one that neither prints nor ends,
// are given up after the time limit.
func TestEndlessOutput(t *testing.T) {
	testkit.NeedRoot(t)
	needBusybox(t)
	testkit.NeedTool(t, "go")
	l := list[0]
	check := l.check
	l.check = func(w *Work) error {
		w.limit = time.Second
		return check(w)
	}
	s, dir := start(t, &l)
	for _, body := range []string{`for { println("again") }`, "os.Stdin.Close(); select {}", "time.Sleep(1e18)"} {
		program := "package main\nimport (\"os\"; \"time\")\nvar _, _ = os.Args, time.Now\nfunc main() { " + body + " }"
		testkit.Check(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o644))
		wantMissing(t, &l, s, dir, "the container's shell does not answer")
	}
}

// state returns the state of a process, "" if there is none.
func state(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
}
