package validation

import (
	"flag"
	"runtime"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

var update = flag.Bool("update", false, "write the verdicts of this run into README.md")

// runtimeEnv names another runtime, whose verdicts are only logged.
const runtimeEnv = "VALIDATION_RUNTIME"

// TestVerdicts: each program has the verdict that the table in README.md has for this
// machine.
func TestVerdicts(t *testing.T) {
	testkit.NeedRoot(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("the suite has a root filesystem for amd64 alone")
	}
	dir, command := programsAndRuntime(t)
	tab, err := readTable()
	testkit.Check(t, err)
	column, atOnce := natively, 6
	if isMachine() {
		column, atOnce = inMachine, 4
	}
	b := &bench{programs: dir, runtime: command, scratch: t.TempDir(), controllers: column == inMachine}
	outcomes, err := b.all(atOnce, tab.want(column))
	testkit.Check(t, err)
	tab.judge(t, outcomes, column)
}
