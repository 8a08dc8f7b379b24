package main

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestLimitProcessors: with --cpus 0.3 a busy program is stopped in each period when it has
// used 0.3 of it, and with 0.6 when it has used 0.6. The time is what the kernel counts: how
// much of it a busy machine gives the program does not matter.
func TestLimitProcessors(t *testing.T) {
	testkit.NeedRoot(t)
	testkit.NeedController(t, "cpu")
	loadDemo(t)
	for cpus, quota := range map[string]int{"0.3": 30_000, "0.6": 60_000} { // µs of each 100,000
		out, err := exec.Command("minictr", "run", "--rm", "--cpus", cpus, "demo", "sh", "-c",
			`s=/sys/fs/cgroup/cpu.stat
			while [ "$(sed -n "s/nr_throttled //p" $s)" -lt 10 ]; do :; done
			sed -n "s/^usage_usec //p; s/^nr_periods //p" $s`).Output()
		testkit.Check(t, err)
		var used, periods int
		if _, err := fmt.Sscan(string(out), &used, &periods); err != nil {
			t.Fatalf("cpu.stat: %q: %v", out, err)
		}
		// ten times it used all, and at no time more; a processor may be a slice ahead
		if least, most := 10*quota*9/10, (periods+1)*quota*11/10; used < least || used > most {
			t.Errorf("--cpus %s: used %d µs in %d periods, want %d to %d", cpus, used, periods, least, most)
		}
	}
}
