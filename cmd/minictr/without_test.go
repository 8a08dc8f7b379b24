package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/without"
)

// TestEachPartShows: the command of each part shows what it says: with the part it comes out
// one way, without it the other.
func TestEachPartShows(t *testing.T) {
	needOuterHost(t)
	for i := range without.Parts {
		p := &without.Parts[i]
		t.Run(p.Name, func(t *testing.T) {
			for _, left := range []bool{false, true} {
				words := p.Command(left)
				out, err := exec.Command("minictr", words...).CombinedOutput()
				if succeeds := err == nil; succeeds != (left != p.Fails) {
					t.Errorf("minictr %q: %v\n%s", words, err, out)
				}
			}
		})
	}
}

// needOuterHost skips a test on a computer that cannot have an outer host, and loads the image.
func needOuterHost(t *testing.T) {
	t.Helper()
	testkit.NeedRoot(t)
	testkit.NeedLinux(t, "6.15")
	loadDemo(t)
}

// TestKilledOnOuterHost: minictr, or a process that it has made, may be killed at any call: the
// next command finds nothing of the outer host.
func TestKilledOnOuterHost(t *testing.T) {
	needOuterHost(t)
	mark := "minictr-outer-" + strconv.Itoa(os.Getpid())
	said(t, "run", "--rm", "demo", "true")
	before := traces(t, mark)
	testkit.KillAt(t, testkit.Kill{
		Command: func(*testing.T) *exec.Cmd {
			return exec.Command("minictr", "run", "--rm", "--without", "pid,overlay", "demo", "sh", "-c", "true "+mark)
		},
		Calls: "clone3 setns unshare fsmount move_mount pivot_root shmget wait4 execveat setresuid renameat",
		Clean: func(t *testing.T, _ testkit.Killed) {
			said(t, "run", "--rm", "--without", "pid", "demo", "true")
			testkit.Eventually(t, "nothing is left", func() bool { return traces(t, mark) == before })
		},
		Limit:  10 * time.Second,
		Enough: 5,
	})
}
