// Core 27 of 28: the last steps, as a program of their own

package walk

import (
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// The trampoline is a program of some hundred bytes, from which the container
// jumps into its own. The child is still a copy of our process, and what it
// became from there would start with our binary for its /proc/self/exe: a
// script that begins with "#!/proc/self/exe" would run the host's minictr in
// the container, where others can hold it open and overwrite it one day
// (CVE-2019-5736). So the child becomes the trampoline first, a file in memory
// that is nobody else's. One that waits there for `start` has a few pages only.
//
// It is the plan's last steps as a table (package table). When a step fails the
// table is written to the pipe called verdict, and its results tell the host
// why. When an execve succeeds that pipe just ends.

// trampoline makes the file for the steps of side Trampoline. The descriptors
// that they name have to be given ones.
func trampoline(p *plan.Plan, given map[plan.Ref]int) ([]byte, error) {
	var steps []*plan.Step
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Side == plan.Trampoline {
			steps = append(steps, s)
		}
	}
	verdict, ok := given[p.StartError]
	if !ok && len(steps) > 0 {
		return nil, fmt.Errorf("%s: not given", p.StartError)
	}
	t := &tramp{table.New(len(steps), verdict), given}
	for i, s := range steps {
		if err := t.set(i, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Call(), err)
		}
	}
	return t.File(), nil
}

// tramp is a trampoline in the making.
type tramp struct {
	*table.Program
	fds map[plan.Ref]int
}

func (t *tramp) set(i int, s *plan.Step) error {
	line := table.Line{Number: uint64(s.Number), Accept: s.Accept}
	for _, a := range s.Args {
		w, err := t.arg(a)
		if err != nil {
			return err
		}
		line.Args = append(line.Args, w)
	}
	return t.SetLine(i, line)
}

func (t *tramp) arg(a plan.Arg) (uint64, error) {
	switch a := a.(type) {
	case plan.Num:
		return a.Value, nil
	case plan.Ref:
		if fd, ok := t.fds[a]; ok {
			return uint64(fd), nil
		}
	case plan.Str:
		return t.PutString(string(a)), nil
	case plan.Strs:
		return t.PutStrings(a), nil
	case *plan.Mem:
		if len(a.Fields) == 0 {
			return t.Put(a.Bytes), nil
		}
	}
	return 0, fmt.Errorf("argument %s: not known when the trampoline is made", a)
}

// ReadStartError reads what a trampoline has said to its end: nothing if the program
// runs, or else what failed, as an [*Error]. An execve that was tried in one
// folder of PATH after the other failed in the first, or where it was forbidden.
func ReadStartError(p *plan.Plan, said []byte) error {
	if len(said) == 0 {
		return nil
	}
	var failed *Error
	for i, errno := range reported(p, said) {
		s := &p.Steps[i]
		if errno != 0 && (failed == nil || !slices.Contains(s.Accept, errno) || errno == unix.EACCES) {
			failed = &Error{i, len(p.Steps), s, errno}
		}
	}
	if failed == nil {
		return errors.New("start the program: the trampoline says that it failed, and not why")
	}
	return failed
}

// reported are the steps that were made according to a verdict: their indexes,
// and their errors.
func reported(p *plan.Plan, said []byte) iter.Seq2[int, unix.Errno] {
	list := table.Results(said)
	return func(yield func(int, unix.Errno) bool) {
		for i := range p.Steps {
			if p.Steps[i].Side != plan.Trampoline {
				continue
			}
			if len(list) == 0 {
				return
			}
			r := list[0]
			list = list[1:]
			if r.Reached && !yield(i, r.Errno) {
				return
			}
		}
	}
}

// noteResults notes the results of a verdict where those of the other steps are.
func (w *Walk) noteResults() {
	for i, errno := range reported(w.plan, w.output) {
		s := &w.program.slots[i]
		switch {
		case errno == 0:
			s.state = done
		case slices.Contains(w.plan.Steps[i].Accept, errno):
			s.state, s.errno = accepted, uint32(errno)
		default:
			s.state, s.errno = failed, uint32(errno)
		}
	}
}
