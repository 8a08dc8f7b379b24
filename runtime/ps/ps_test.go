package ps

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
)

// sleeper starts a process with this name.
func sleeper(t *testing.T, name string) (pid int) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Args[0] = name
	testkit.Check(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd.Process.Pid
}

func these(pids ...int) func() ([]int, error) {
	return func() ([]int, error) { return pids, nil }
}

// TestLines: the heading and the processes asked for, with the options of ps.
func TestLines(t *testing.T) {
	testkit.NeedTool(t, "ps")
	one, two := sleeper(t, "one"), sleeper(t, "two")
	for options, heading := range map[string]string{
		"":                 "UID PID PPID C STIME TTY TIME CMD",
		"-ef":              "UID PID PPID C STIME TTY TIME CMD",
		"aux":              "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND",
		"-o pid,args":      "PID COMMAND",
		"-o comm,pid,args": "COMMAND PID COMMAND",
	} {
		lines, err := Lines(these(one), strings.Fields(options)...)
		if err != nil || len(lines) != 2 || strings.Join(strings.Fields(lines[0]), " ") != heading ||
			!strings.HasSuffix(lines[1], "one 60") || !slices.Contains(strings.Fields(lines[1]), strconv.Itoa(one)) {
			t.Errorf("%s: %v\n%s", options, err, strings.Join(lines, "\n"))
		}
	}
	lines, err := Lines(these(one, two))
	if err != nil || len(lines) != 3 {
		t.Errorf("two processes: %q, %v", lines, err)
	}
	if lines, err := Lines(these()); err != nil || len(lines) != 1 {
		t.Errorf("no process: %q, %v", lines, err)
	}
}

// TestReusedPidIsHidden: a process that is not in the cgroup afterwards is another.
func TestReusedPidIsHidden(t *testing.T) {
	testkit.NeedTool(t, "ps")
	ended := false
	lines, err := Lines(func() ([]int, error) {
		if ended {
			return nil, nil
		}
		ended = true
		return []int{os.Getpid()}, nil
	})
	if err != nil || len(lines) != 1 {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestErrors(t *testing.T) {
	testkit.NeedTool(t, "ps")
	for options, want := range map[string]string{
		"-o comm":       "ps -o comm: no column PID",
		"-o lstart,pid": `in column PID`,
		"--what":        "ps --what: exit status 1: ",
	} {
		_, err := Lines(these(os.Getpid()), strings.Fields(options)...)
		testkit.WantError(t, options, err, want)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Lines(these(os.Getpid())); err == nil || !strings.Contains(hint.Of(err), "procps") {
		t.Errorf("without ps: %v, hint %q", err, hint.Of(err))
	}
}

// TestProcessNamesEscaped: a process chooses its own name.
func TestProcessNamesEscaped(t *testing.T) {
	table := "PID CMD\n1 \x1b]0;owned\a\u009b\n2 other\n"
	lines, err := choose(table, func(pid int) bool { return pid == 1 })
	if err != nil || len(lines) != 2 || strings.ContainsAny(lines[1], "\x1b\a\u009b") {
		t.Errorf("%q, %v", lines, err)
	}
}
