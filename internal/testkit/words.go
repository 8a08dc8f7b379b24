package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// InTurn runs scripts one after the other: testscript.RunT(InTurn{T: t}, …).
type InTurn struct{ *testing.T }

func (InTurn) Parallel()       {}
func (t InTurn) Verbose() bool { return testing.Verbose() }
func (t InTurn) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(InTurn{t}) })
}

// Words are the commands that scripts of several packages use.
func Words() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits": exits, "await": await, "eventually": eventually,
	}
}

// exits CODE COMMAND…: the command exits with this code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	WantExit(ts, ts.Exec(args[1], args[2:]...), want)
}

// WantExit fails the script unless a command that returned err exited with code.
func WantExit(ts *testscript.TestScript, err error, code int) {
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != code {
		ts.Fatalf("exit code %d, want %d", got, code)
	}
}

// await FILE: wait until the file exists.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	if !Within(func() bool { _, err := os.Stat(ts.MkAbs(args[0])); return err == nil }) {
		ts.Fatalf("%s: does not exist after %v", args[0], Timeout)
	}
}

// eventually COMMAND…: repeat the command until it succeeds.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually COMMAND…")
	}
	if !Within(func() bool { return ts.Exec(args[0], args[1:]...) == nil }) {
		ts.Fatalf("%s: fails after %v", strings.Join(args, " "), Timeout)
	}
}

// Condition decides controller:NAME, which cgroup v2 of this host has, and
// linux:VERSION, the oldest kernel that will do.
func Condition(word string) (bool, error) {
	switch kind, name, _ := strings.Cut(word, ":"); kind {
	case "controller":
		return HasController(name), nil
	case "linux":
		return Linux(name)
	}
	return false, fmt.Errorf("condition %q: unknown", word)
}

// Linux reports whether the kernel is this version, MAJOR.MINOR, or a newer one.
func Linux(version string) (bool, error) {
	var name unix.Utsname
	var want, is [2]int
	if err := unix.Uname(&name); err != nil {
		return false, err
	}
	_, err := fmt.Sscanf(version, "%d.%d", &want[0], &want[1])
	_, failed := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &is[0], &is[1])
	return slices.Compare(is[:], want[:]) >= 0, errors.Join(err, failed)
}
