package walk

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Error is a step that failed, told from the plan.
type Error struct {
	Index int // of the step, from 0
	Of    int // how many there are
	Step  *plan.Step
	Errno unix.Errno // 0: the child was killed before the call returned
}

// Error is one sentence: who made which call, what the kernel answered, and
// what the call was for.
func (e *Error) Error() string {
	answer := "killed before it returned"
	if e.Errno != 0 {
		answer = e.Errno.Error()
	}
	return fmt.Sprintf("%s: %s (step %d of %d, made by the %s for %s: %s)",
		e.Step.Call(), answer, e.Index+1, e.Of, e.Step.Side, e.Step.From, e.Step.Why)
}

func (e *Error) Unwrap() error { return e.Errno }

// Exec tells whether it was the program itself that could not be started.
func (e *Error) Exec() bool { return e.Step.Name == "execve" }

// failure finds what went wrong, if anything did.
func (w *Walk) failure() error {
	for _, side := range []plan.Side{plan.Host, plan.Mapper, plan.Container} {
		if i := w.firstFailed(side); i >= 0 {
			return w.errorAt(i)
		}
	}
	if w.clone < 0 {
		return errors.New("start the plan: no step of it is clone3")
	}
	return w.execFailure()
}

func (w *Walk) firstFailed(side plan.Side) int {
	for i := range w.plan.Steps {
		if w.plan.Steps[i].Side == side && w.state(i) == failed {
			return i
		}
	}
	return -1
}

// execFailure looks at the last steps. An execve that succeeds returns never,
// so its slot says nothing; one that was tried in a folder of PATH and was
// not there is accepted, and the next is tried.
func (w *Walk) execFailure() error {
	const none = -1
	tried, next := none, none // an execve that failed; the step after the last that was made
	for i := range w.plan.Steps {
		s := &w.plan.Steps[i]
		settled := w.state(i) != todo
		switch {
		case s.Side != plan.Container:
		case s.Name == "execve" && !settled:
			if next != none {
				return w.errorAt(next)
			}
			return nil
		case s.Name == "execve":
			if tried == none || unix.Errno(w.program.slots[i].errno) == unix.EACCES {
				tried = i
			}
		case settled:
			next = none
		case next == none && !w.leftOut(i):
			next = i
		}
	}
	if tried == none {
		return errors.New("start the plan: no step of it is execve")
	}
	return w.errorAt(tried)
}

// leftOut: step i hangs on an earlier result that is not there, or that is.
func (w *Walk) leftOut(i int) bool {
	o := &w.program.ops[i]
	absent := func(ref int32) bool { return ref != 0 && w.state(int(ref-1)) != done }
	return absent(o.needs) || slices.ContainsFunc(o.refs[:], absent) || o.lacks != 0 && !absent(o.lacks)
}

func (w *Walk) state(i int) uint32 { return atomic.LoadUint32(&w.program.slots[i].state) }

func (w *Walk) errorAt(i int) *Error {
	return &Error{i, len(w.plan.Steps), &w.plan.Steps[i], unix.Errno(w.program.slots[i].errno)}
}
