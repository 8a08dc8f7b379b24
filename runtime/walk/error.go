// Core 28 of 28: a step that failed, in words

package walk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Error is a step that failed.
type Error struct {
	Index int // of the step, from 0
	Of    int // how many there are
	Step  *plan.Step
	Errno unix.Errno // 0: the child was killed before the call returned
}

// notOffered replaces the text of ENOENT for a cgroup: docker and podman take "no such
// file or directory" in an error for a missing program.
const notOffered = "there is nothing of that name"

// Error is one sentence: the call, the kernel's answer, the side that made the call, and
// the reason for it.
func (e *Error) Error() string {
	answer := "killed before it returned"
	switch {
	case e.Errno == unix.ENOENT && e.Step.Part == "cgroup":
		answer = notOffered
	case e.Errno != 0:
		answer = e.Errno.Error()
	}
	return fmt.Sprintf("%s: %s (step %d of %d, made by the %s for %s: %s)",
		e.Step.Call(), answer, e.Index+1, e.Of, e.Step.Side, e.Step.From, e.Step.Why)
}

func (e *Error) Unwrap() error { return e.Errno }

// Hint returns the step's hint for this errno, "" for none (package hint).
func (e *Error) Hint() string {
	text := ""
	for _, h := range e.Step.Hints {
		if h.Errno == e.Errno {
			return h.Text
		}
		if h.Errno == 0 {
			text = h.Text
		}
	}
	return text
}

// Exec reports whether the program itself could not be executed.
func (e *Error) Exec() bool { return e.Step.Name == "execve" || e.Step.Name == "faccessat2" }

// Stopped is the error of a walk that ended between two steps: Caller.Sync has failed, or
// the child was killed.
type Stopped struct{ Err error }

func (s *Stopped) Error() string { return s.Err.Error() }
func (s *Stopped) Unwrap() error { return s.Err }

// failure returns what went wrong, nil if nothing did.
func (w *Walk) failure() error {
	if w.stopped != nil {
		return &Stopped{w.stopped}
	}
	for side := range plan.Trampoline {
		if i := w.firstFailed(side); i >= 0 {
			return w.errorAt(i)
		}
	}
	if w.clone < 0 {
		return errors.New("start the plan: it has no clone3 step")
	}
	if err := ReadStartError(w.plan, w.output); err != nil {
		return err
	}
	if err := w.execFailure(); err != nil {
		return err
	}
	if w.plan.Saves && !w.saved {
		return &Stopped{errors.New("start the plan: the process was killed before it was recorded")}
	}
	return nil
}

func (w *Walk) firstFailed(side plan.Side) int {
	for i := range w.plan.Steps {
		if w.plan.Steps[i].Side == side && w.state(i) == failed {
			return i
		}
	}
	return -1
}

// execFailure checks that the child reached its last step in this program. An execve(2)
// that succeeds does not return, so its slot stays empty.
func (w *Walk) execFailure() error {
	const none = -1
	next := none // the step after the last that was made
	for i := range w.plan.Steps {
		s := &w.plan.Steps[i]
		switch {
		case s.Side != plan.Container:
		case w.state(i) != todo:
			next = none
		case next == none && !w.leftOut(i):
			next = i
		}
	}
	if next == none || !strings.HasPrefix(w.plan.Steps[next].Name, "execve") {
		if next == none {
			return errors.New("start the plan: it has no execve step")
		}
		return w.errorAt(next)
	}
	return nil
}

// leftOut reports whether step i is skipped: an earlier result that it needs is missing,
// or one that excludes it exists.
func (w *Walk) leftOut(i int) bool {
	o := &w.program.ops[i]
	absent := func(ref int32) bool { return ref != 0 && !w.program.slots[ref-1].has() }
	return absent(o.needs) || slices.ContainsFunc(o.refs[:], absent) || o.lacks != 0 && !absent(o.lacks)
}

func (w *Walk) state(i int) uint32 { return atomic.LoadUint32(&w.program.slots[i].state) }

func (w *Walk) errorAt(i int) *Error {
	return &Error{i, len(w.plan.Steps), &w.plan.Steps[i], unix.Errno(w.program.slots[i].errno)}
}
