package main

import (
	"os"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestSystemd: on a machine whose first process is systemd. scripts/test-systemd makes it,
// and runs this test in it. The scripts share one unit, and run one after the other.
func TestSystemd(t *testing.T) { runSystemd(t, "testdata/systemd") }

// TestReboot: containers with a restart policy run again after the machine was rebooted.
// scripts/test-systemd runs the script before, reboots the machine, and runs the script
// after. The containers are in the default store.
func TestReboot(t *testing.T) { runSystemd(t, "testdata/reboot") }

func runSystemd(t *testing.T, scripts string) {
	t.Helper()
	if os.Getenv("SYSTEMD_MACHINE") == "" {
		t.Skip("not a machine for this test: scripts/test-systemd makes one")
	}
	archive := testkit.DemoImage(t)
	testscript.RunT(testkit.InTurn{T: t}, testscript.Params{
		Dir:             scripts,
		Setup:           func(e *testscript.Env) error { return setUp(e, archive) },
		Cmds:            scriptWords(),
		ContinueOnError: true, // a machine takes long to boot
	})
}
