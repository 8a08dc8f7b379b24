package validation

import (
	"flag"
	"runtime"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

var update = flag.Bool("update", false, "write the verdicts of this run into README.md")

// runtimeEnv names another runtime, whose verdicts are only shown.
const runtimeEnv = "VALIDATION_RUNTIME"

// TestVerdicts runs every program, and compares what becomes of it with the
// table: with the column of the place where it runs.
func TestVerdicts(t *testing.T) {
	testkit.NeedRoot(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the suite has a root filesystem for amd64 alone")
	}
	dir, command := atHand(t)
	tab, err := readTable()
	testkit.Check(t, err)
	column, atOnce := natively, 6
	if inMachineHere() {
		column, atOnce = inMachine, 4
	}
	b := &bench{programs: dir, runtime: command, scratch: t.TempDir(), controllers: column == inMachine}
	outcomes, err := b.all(atOnce, tab.want(column))
	testkit.Check(t, err)
	tab.judge(t, outcomes, column)
}
