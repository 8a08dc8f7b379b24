package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptWords are testkit.Words, two that read cgroups, and a web server.
func scriptWords() map[string]func(*testscript.TestScript, bool, []string) {
	all := testkit.Words()
	all["cgroup"], all["uses"], all["serve"] = cgroupFile, uses, serve
	return all
}

// cgroupFile fails the script unless a file of a container's cgroup has this content.
func cgroupFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cgroup CONTAINER FILE TEXT")
	}
	if text := readCgroup(ts, args[0], args[1]); text != args[2] {
		ts.Fatalf("%s of %s: %q, want %q", args[1], args[0], text, args[2])
	}
}

// uses waits until a container uses so many bytes of memory.
func uses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: uses CONTAINER BYTES")
	}
	want, err := strconv.ParseUint(args[1], 10, 64)
	ts.Check(err)
	if !testkit.Within(func() bool {
		used, err := strconv.ParseUint(readCgroup(ts, args[0], "memory.current"), 10, 64)
		ts.Check(err)
		return used >= want
	}) {
		ts.Fatalf("%s does not use %d bytes", args[0], want)
	}
}

func readCgroup(ts *testscript.TestScript, name, file string) string {
	c, err := container.Find(ts.Getenv("MINICTR_ROOT"), name)
	ts.Check(err)
	state, err := c.State()
	ts.Check(err)
	text, err := os.ReadFile(filepath.Join(state.Cgroup, file))
	ts.Check(err)
	return strings.TrimSpace(string(text))
}
