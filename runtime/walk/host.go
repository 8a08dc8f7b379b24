// Carrying out a plan without a container.

package walk

import (
	"fmt"
	"maps"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Host carries out a plan in which no step makes a container: all are of side Host, or of a
// userns helper's. The calling goroutine must be locked to its thread.
//
// On success the caller closes the Walk. On error nothing is left open, and the error is an
// [*Error] if a step failed; what the steps before it have changed stays.
func Host(p *plan.Plan, c Caller) (*Walk, error) {
	// the pipes of a userns helper
	if c.FDs = maps.Clone(c.FDs); c.FDs == nil {
		c.FDs = map[plan.Ref]int{}
	}
	ends := map[plan.Ref]plan.Ref{plan.ReportRead: plan.ReportWrite, plan.ResumeRead: plan.ResumeWrite}
	for read, write := range ends {
		var pipe [2]int
		if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
			return nil, fmt.Errorf("pipe2: %w", err)
		}
		defer unix.Close(pipe[0])
		defer unix.Close(pipe[1])
		c.FDs[read], c.FDs[write] = pipe[0], pipe[1]
	}

	// the steps
	w, err := newWalk(p, c)
	if err != nil {
		return nil, err
	}
	w.makeHostSteps()
	w.tracer.finish()
	for _, side := range [...]plan.Side{plan.Host, plan.Helper} { // a helper may share this memory
		if i := w.firstFailed(side); i >= 0 {
			failed := w.errorAt(i)
			w.reap(plan.Helper)
			w.Close()
			return nil, failed
		}
	}
	return w, nil
}

// EndHelpers ends the helpers that outlive the plan, when the container's process has exited.
func (w *Walk) EndHelpers() { w.reap(plan.Helper) }
