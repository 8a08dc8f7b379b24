package testkit

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// NeedRoot skips the test unless it runs as root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: use make test")
	}
}

// NeedTool skips the test unless all programs are in PATH.
func NeedTool(t testing.TB, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed: use make test")
		}
	}
}

// NeedController skips the test unless cgroup v2 of this host has the controller.
// scripts/test-vm counts on the words "make test-vm".
func NeedController(t testing.TB, name string) {
	t.Helper()
	if !HasController(name) {
		t.Skipf("no controller %q here: make test-vm has it", name)
	}
}

// HasController reports whether the root of the cgroup v2 tree has a controller.
func HasController(name string) bool {
	for _, mount := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if list, err := os.ReadFile(mount + "/cgroup.controllers"); err == nil {
			return slices.Contains(strings.Fields(string(list)), name)
		}
	}
	return false
}

// NeedLinux skips the test on a kernel older than version, MAJOR.MINOR.
func NeedLinux(t testing.TB, version string) {
	t.Helper()
	if new, err := Linux(version); err != nil || !new {
		t.Skip("needs Linux "+version, err)
	}
}
