package without

import (
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// TestNoPlanOnComputer: a plan in which the container's process would not enter the outer host is
// an error.
func TestNoPlanOnComputer(t *testing.T) {
	clone := call.Clone3(unix.CLONE_NEWPID, "")
	clone.Part, clone.Side, clone.Child = "clone", plan.Host, plan.Container
	p := &plan.Plan{Steps: []plan.Step{clone}}
	testkit.WantError(t, "made by the host", Plan([]string{none}, "")(p), "enters the outer host")
	clone.Side = plan.Intermediate
	p = &plan.Plan{Steps: []plan.Step{clone}}
	testkit.WantError(t, "does not enter", Plan([]string{none}, "")(p), "enters the outer host")
}
