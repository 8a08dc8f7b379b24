package main

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestLimitProcessors: with half of --cpus, half the work is done in the same time. Work
// is the CPU time that the kernel counts; how much a program does in that time may
// depend on a hypervisor. It runs alone, since other tests use processors, too.
func TestLimitProcessors(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedController(t, "cpu")
	loadDemo(t)
	work := func(cpus string) (microseconds int) {
		out, err := exec.Command("minictr", "run", "--rm", "--cpus", cpus, "demo", "sh", "-c",
			`timeout 2 sh -c "while :; do :; done"; sed -n "s/usage_usec //p" /sys/fs/cgroup/cpu.stat`).Output()
		testkit.Check(t, err)
		microseconds, err = strconv.Atoi(strings.TrimSpace(string(out)))
		testkit.Check(t, err)
		return microseconds
	}
	full, half := 0, 0
	for range 3 { // alternating, since other processes come and go
		full += work("0.6")
		half += work("0.3")
	}
	if percent := 100 * half / full; percent < 35 || percent > 65 {
		t.Errorf("%d µs of work with 0.6 processors, %d µs with 0.3: %d %%, want some 50", full, half, percent)
	}
}
