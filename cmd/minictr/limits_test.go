package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/rogpeppe/go-internal/testscript"
)

// cgroupFile fails unless a file of a container's cgroup says this.
func cgroupFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cgroup CONTAINER FILE TEXT")
	}
	c, err := container.Find(ts.Getenv("MINICTR_ROOT"), args[0])
	ts.Check(err)
	state, err := c.State()
	ts.Check(err)
	got, err := os.ReadFile(filepath.Join(state.Cgroup, args[1]))
	ts.Check(err)
	if text := strings.TrimSpace(string(got)); text != args[2] {
		ts.Fatalf("%s of %s: %q, want %q", args[1], args[0], text, args[2])
	}
}
