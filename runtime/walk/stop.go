package walk

import (
	"sync/atomic"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Stops. With a plan that has stops (compile/stops.go) the caller is asked before each step
// of the host, in their order, and then at each stop of the child, in theirs: the child runs
// to its first stop while the host makes its last steps.

// stopsAt asks the caller before a step of the host, and reports whether the walk ends
// there. All signals are blocked in this thread, so a caller that waits for one does so in
// another.
func (w *Walk) stopsAt() bool {
	if _, ok := w.caller.FDs[plan.StepWrite]; !ok {
		return false
	}
	if w.stopped == nil {
		if w.stopped = w.caller.Sync(w, plan.Stop); w.stopped != nil {
			w.kill()
		}
	}
	return w.stopped != nil
}

// Plan returns the plan that is carried out.
func (w *Walk) Plan() *plan.Plan { return w.plan }

// LeftOut reports, at a stop before step i, whether that step will be left out.
func (w *Walk) LeftOut(i int) bool { return w.leftOut(i) }

// Outcome returns the result of a step that was made before a stop, without a duration.
// Those of the trampoline are not known before the walk ends.
func (w *Walk) Outcome(i int) Result {
	s := &w.program.slots[i]
	state := atomic.LoadUint32(&s.state)
	return Result{Made: state != todo && state != kept, Value: s.value, Errno: unix.Errno(s.errno)}
}
