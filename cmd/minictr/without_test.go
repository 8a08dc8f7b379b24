package main

import (
	"os/exec"
	"testing"

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
