package doctor

import (
	goruntime "runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// try carries out a plan on a thread that ends with it: the namespaces that the plan has
// changed end, too. The error is that of the step that failed.
func try(p *plan.Plan) error {
	tried := make(chan error)
	go func() {
		goruntime.LockOSThread() // for good
		w, err := walk.Host(p, walk.Caller{})
		if err == nil {
			w.Close()
		}
		tried <- err
	}()
	return <-tried
}

// trySteps carries out steps of the host, and of a child that waits to be killed.
func trySteps(steps ...plan.Step) error { return try(&plan.Plan{Steps: steps}) }

// child names the child's process in a plan.
const child = plan.Ref("child")

// waitingChild returns the steps of a child that is made with flags, in a cgroup unless that
// is "": it waits to be killed, and dies with this process.
func waitingChild(flags uint64, cgroup plan.Ref) []plan.Step {
	clone := call.Clone3(flags|unix.CLONE_CLEAR_SIGHAND, cgroup).As(child)
	clone.Child = plan.Helper
	steps := []plan.Step{clone, call.Close(plan.ReportRead), call.PrctlPdeathsig(),
		call.Write(plan.ReportWrite, "."), call.ReadByte(plan.ResumeRead)}
	for i := range steps[1:] {
		steps[i+1].Side = plan.Helper
	}
	return steps
}

// endChild returns the steps that kill the child and wait for its end.
func endChild() []plan.Step {
	return []plan.Step{call.Kill(child, unix.SIGKILL), call.Wait4(child)}
}
