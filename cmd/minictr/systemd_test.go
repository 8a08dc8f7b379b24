package main

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestSystemd: on a machine whose first process is systemd. scripts/test-systemd makes it,
// and runs this test in it. The scripts share one unit, and run one after the other.
func TestSystemd(t *testing.T) {
	if os.Getenv("SYSTEMD_MACHINE") == "" {
		t.Skip("not a machine for this test: scripts/test-systemd makes one")
	}
	archive := testkit.DemoImage(t)
	testscript.RunT(testkit.InTurn{T: t}, testscript.Params{
		Dir:             "testdata/systemd",
		Setup:           func(e *testscript.Env) error { return setUp(e, archive) },
		Cmds:            scriptWords(),
		ContinueOnError: true, // a machine takes long to boot
	})
}
