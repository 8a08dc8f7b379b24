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

// The trampoline is a program of a few hundred bytes that executes the container's
// program. If the child executed that program directly, its /proc/self/exe would be
// minictr's binary at that moment: a script that begins with "#!/proc/self/exe" would run
// the host's minictr in the container, where a process could keep it open and overwrite
// it later (CVE-2019-5736). So the child first executes the trampoline, a file in memory
// that no other process has. A created container waits there with a few pages of memory.
//
// The trampoline is the plan's last steps as a table (package table). When a step fails,
// the table is written into the pipe start-error, and its results tell the host why. When
// execve(2) succeeds that pipe closes without output.

// trampoline makes the file for the steps of side Trampoline. Each descriptor that they
// name must be in fds.
func trampoline(p *plan.Plan, fds map[plan.Ref]int) ([]byte, error) {
	var steps []*plan.Step
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Side == plan.Trampoline {
			steps = append(steps, s)
		}
	}
	output, ok := fds[p.StartError]
	if !ok && len(steps) > 0 {
		return nil, fmt.Errorf("%s: not fds", p.StartError)
	}
	t := &tramp{table.New(len(steps), output), fds}
	for i, s := range steps {
		if err := t.set(i, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Call(), err)
		}
	}
	return t.File(), nil
}

// tramp is a trampoline that is being made.
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

// ReadStartError reads the output of a trampoline: none if the program runs, or else the
// step that failed, which it returns as an [*Error]. Of the execve(2) calls for the
// directories of PATH it is the first, or one that was not permitted.
func ReadStartError(p *plan.Plan, output []byte) error {
	if len(output) == 0 {
		return nil
	}
	var failed *Error
	for i, errno := range reported(p, output) {
		s := &p.Steps[i]
		if errno != 0 && (failed == nil || !slices.Contains(s.Accept, errno) || errno == unix.EACCES) {
			failed = &Error{i, len(p.Steps), s, errno}
		}
	}
	if failed == nil {
		return errors.New("start the program: the trampoline failed without a reason")
	}
	return failed
}

// reported iterates over the steps that the trampoline has made: their indexes and errors.
func reported(p *plan.Plan, output []byte) iter.Seq2[int, unix.Errno] {
	list := table.Results(output)
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

// noteResults copies the results of the trampoline to the slots.
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
