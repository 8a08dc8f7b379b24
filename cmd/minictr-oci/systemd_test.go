package main

// A machine whose first process is systemd, with docker and podman as Debian configures
// them: both name cgroups SLICE:PREFIX:NAME, and give the flag --systemd-cgroup.
// scripts/test-systemd makes it, and runs these tests in it. Their scripts find what those
// of TestScript find, and
//
//	property UNIT NAME…   print properties of a unit, sorted, a line each, as NAME=VALUE
//	limit UNIT FILE…      print files of a unit's cgroup, on one line
//	gone UNIT             wait until systemd knows no such unit, and its cgroup is removed

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestSystemd(t *testing.T) {
	if os.Getenv("SYSTEMD_MACHINE") == "" {
		t.Skip("not a machine for this test: scripts/test-systemd makes one")
	}
	words := testkit.Words()
	maps.Copy(words, map[string]func(*testscript.TestScript, bool, []string){
		"bundle": makeBundle, "property": property, "limit": limit, "gone": gone,
	})
	setUp := func(e *testscript.Env) error {
		e.Setenv("DEMO_IMAGE", os.Getenv("DEMO_IMAGE"))
		e.Setenv("OCI", "/usr/local/bin/minictr-oci")
		return setUpScript(e)
	}
	testscript.RunT(testkit.InTurn{T: t}, testscript.Params{Dir: "testdata/systemd", Setup: setUp, Cmds: words,
		ContinueOnError: true})
}

func property(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: property UNIT NAME…")
	}
	ts.Check(ts.Exec("systemctl", "show", args[0], "--property", strings.Join(args[1:], ",")))
	lines := strings.SplitAfter(ts.ReadFile("stdout"), "\n")
	slices.Sort(lines)
	ts.Stdout().Write([]byte(strings.Join(lines, "")))
}

// unitPath returns the directory of a unit's cgroup.
func unitPath(ts *testscript.TestScript, unit string) string {
	ts.Check(ts.Exec("systemctl", "show", unit, "--property", "ControlGroup", "--value"))
	return filepath.Join("/sys/fs/cgroup", strings.TrimSpace(ts.ReadFile("stdout")))
}

func limit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: limit UNIT FILE…")
	}
	dir := unitPath(ts, args[0])
	var values []string
	for _, file := range args[1:] {
		values = append(values, strings.TrimSpace(ts.ReadFile(filepath.Join(dir, file))))
	}
	ts.Stdout().Write([]byte(strings.Join(values, " ") + "\n"))
}

func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone UNIT")
	}
	if !testkit.Within(func() bool {
		ts.Check(ts.Exec("systemctl", "show", args[0], "--property", "LoadState", "--value"))
		return ts.ReadFile("stdout") == "not-found\n"
	}) {
		ts.Fatalf("%s: systemd still knows it", args[0])
	}
	if found, err := filepath.Glob("/sys/fs/cgroup/*.slice/" + args[0]); len(found) > 0 || err != nil {
		ts.Fatalf("%s: its cgroup exists: %v, %v", args[0], found, err)
	}
}
