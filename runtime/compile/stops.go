// Beyond a plain container: stops, for `minictr run --step`
//
// A plan with stops is the same list, with two more steps before each of the container's
// process (plan/stop.go). The host's process stops without a step (walk/stop.go). Such a
// container does not share the host's memory (shape.vfork): the host has to run while the
// process waits.
//
// Behind the seccomp filter there are stops only if it allows write(2) and read(2).

package compile

import (
	"runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

// edited returns the plan as the caller changes it (Options.Edit), with stops.
func (b *builder) edited() (*plan.Plan, error) {
	if edit := b.shape.options.Edit; edit != nil {
		if err := edit(&b.plan); err != nil {
			return nil, err
		}
	}
	return b.withStops(), nil
}

// withStops returns the plan, with stops if Options.Stops asks for them. All are inserted
// behind clone3, so that the index of a step before it, as Plan.MadeAt, stays.
func (b *builder) withStops() *plan.Plan {
	if !b.shape.options.Stops {
		return &b.plan
	}
	w := stopWriter{allowed: b.stopsBehindFilter()}
	for _, s := range b.plan.Steps {
		w.copy(s)
	}
	b.plan.Steps = w.steps
	return &b.plan
}

// stopsBehindFilter reports whether the filter allows the calls of a stop.
func (b *builder) stopsBehindFilter() bool {
	arch := b.shape.options.Arch
	if arch == "" {
		arch = runtime.GOARCH
	}
	f := b.shape.filter
	return f == nil || f.Allows(arch, "write") && f.Allows(arch, "read")
}

// stopWriter copies a plan, and inserts stops.
type stopWriter struct {
	steps    []plan.Step
	begun    [plan.Sides]bool // the sides of the steps so far
	filtered bool             // the filter is loaded
	allowed  bool             // it allows stops
}

// copy adds a step, and before it a stop if the container's process makes it.
func (w *stopWriter) copy(s plan.Step) {
	// the pipe of the stops; that the child closes its other end belongs to clone3's part
	first := !w.begun[s.Side]
	w.begun[s.Side] = true
	switch {
	case s.Side == plan.Container && first:
		clone := w.steps[len(w.steps)-1]
		clone.Side = s.Side
		w.add(&clone, "close the host's end of the pipe of the stops: when the host dies, a read returns",
			call.Close(plan.StepWrite))
	case s.Child == plan.Trampoline && w.allowed:
		w.add(&s, "keep open: the trampoline has stops, too", call.CloseOnExec(plan.StepRead, false))
	case s.Side == plan.Trampoline && first && w.allowed:
		w.add(&s, "close it at execve", call.CloseOnExec(plan.StepRead, true))
	}

	// the stop, the step
	if s.Side == plan.Container || s.Side == plan.Trampoline {
		w.stop(&s)
	}
	w.steps = append(w.steps, s)
	w.filtered = w.filtered || s.Name == "seccomp"
}

func (w *stopWriter) stop(next *plan.Step) {
	if !w.allowed && (w.filtered || next.Side == plan.Trampoline) {
		return
	}
	why := "stop: wait until the host lets this process continue, or has died"
	if next.Name == "seccomp" && !w.allowed {
		why = "the last stop: the filter, which is loaded next, forbids write(2) or read(2)"
	}
	await := call.ReadByte(plan.StepRead)
	await.Expect = &plan.Expect{Arg: 1, Mask: 0xff, Value: uint64(plan.Stop)}
	w.add(next, "tell the host that this process stops here", report(plan.Stop)).From = plan.FromStop
	w.add(next, why, await).From = plan.FromStop
}

// add adds a step of the same side and part as another.
func (w *stopWriter) add(to *plan.Step, why string, s plan.Step) *plan.Step {
	s.Side, s.Why, s.Part, s.From = to.Side, why, to.Part, "minictr"
	w.steps = append(w.steps, s)
	return &w.steps[len(w.steps)-1]
}
