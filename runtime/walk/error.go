// Core 28 of 28: a step that failed, in words
//
// An error names the call with its arguments, the field of the config that asks for it,
// and the reason, all from the plan. The slots show which step failed. A child that was
// killed leaves no error there: the step after the last that it made did not return.

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

// Error returns one sentence: the call, the kernel's error, the side that made it, the
// field of the config, and the reason.
func (e *Error) Error() string {
	answer := "killed before it returned"
	switch {
	case e.Errno == unix.ENOENT && e.Step.Part == "cgroup": // docker takes ENOENT's text for a missing program
		answer = "the kernel has no file of this name"
		if e.Step.Name == "write" { // to cgroup.subtree_control
			answer = "this cgroup has no such controller"
		}
	case e.Errno != 0:
		answer = e.Errno.Error()
	}
	reason := strings.TrimSuffix(" for "+e.Step.From+": "+e.Step.Why, " for : ") // "" in a plan without reasons
	return fmt.Sprintf("%s: %s (step %d of %d, made by the %s%s)",
		e.Step.Call(), answer, e.Index+1, e.Of, e.Step.Side, reason)
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
func (e *Error) Exec() bool {
	return e.Step.Name == "execve" || e.Step.Name == "faccessat2" || e.Step.Name == "execveat" && e.Step.Child == 0
}

// Stopped is a walk that ended between two steps: Caller.Sync returned an error, or the
// child was killed.
type Stopped struct{ Err error }

func (s *Stopped) Error() string { return s.Err.Error() }
func (s *Stopped) Unwrap() error { return s.Err }

// failure returns the error of the walk, nil for none.
func (w *Walk) failure() error {
	// a step of the host or the child
	if w.stopped != nil {
		return &Stopped{w.stopped}
	}
	for _, side := range [...]plan.Side{plan.Helper, plan.Host, plan.Intermediate, plan.Container} {
		if i := w.firstFailed(side); i >= 0 {
			return w.errorAt(i)
		}
	}
	if w.clone < 0 {
		return errors.New("start: the plan has no step clone3")
	}

	// a step of the trampoline, or death
	if err := ReadStartError(w.plan, w.output); err != nil {
		return err
	}
	if err := w.execFailure(); err != nil {
		return err
	}
	if w.plan.Saves && !w.saved {
		return &Stopped{errors.New("start: the process was killed before it was recorded")}
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

// execFailure returns an error if the child died before its last step in this program, which
// executes the trampoline. execve does not return when it succeeds, so its slot is todo.
func (w *Walk) execFailure() error {
	next, last := -1, -1 // the step after the last that was made; the child's last
	for i := range w.plan.Steps {
		switch {
		case w.plan.Steps[i].Side != plan.Container:
			continue
		case w.state(i) != todo:
			next = -1
		case next < 0 && !w.leftOut(i):
			next = i
		}
		last = i
	}
	switch {
	case next < 0:
		return errors.New("start: the plan has no step execve")
	case next != last || !strings.HasPrefix(w.plan.Steps[next].Name, "execve"):
		return w.errorAt(next)
	}
	return nil
}

// leftOut reports whether step i was left out, depending on the results of earlier ones.
func (w *Walk) leftOut(i int) bool {
	o := &w.program.ops[i]
	absent := func(ref int32) bool { return ref != 0 && !w.program.slots[ref-1].has() }
	return absent(o.needs) || slices.ContainsFunc(o.refs[:], absent) || o.lacks != 0 && !absent(o.lacks)
}

func (w *Walk) state(i int) uint32 { return atomic.LoadUint32(&w.program.slots[i].state) }

func (w *Walk) errorAt(i int) *Error {
	return &Error{i, len(w.plan.Steps), &w.plan.Steps[i], unix.Errno(w.program.slots[i].errno)}
}
