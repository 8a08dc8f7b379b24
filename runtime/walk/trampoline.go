// Core 27 of 28: the last steps, as a program of their own
//
// The trampoline is a program of a few hundred bytes that executes the container's program
// (compile/execve.go). If the child did that itself, a script in the image that begins with
// "#!/proc/self/exe" would execute the host's minictr in the container, where a process
// could open the file and later overwrite it (CVE-2019-5736). The trampoline is a file in
// memory that no other process has. While it waits for `start` it needs a few pages only.
//
// It consists of a table of the last steps (package table), and a loop over it. When a
// step fails, the loop writes the table with the results to the pipe Plan.StartError, and
// exits. When execve succeeds, the pipe ends.

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

// trampoline returns the file for the steps of side Trampoline. They can use the caller's
// descriptors only, not results of earlier steps.
func trampoline(p *plan.Plan, fds map[plan.Ref]int) ([]byte, error) {
	var steps []*plan.Step
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Side == plan.Trampoline {
			steps = append(steps, s)
		}
	}
	report, ok := fds[p.StartError]
	if !ok && len(steps) > 0 {
		return nil, fmt.Errorf("%s: the caller has no descriptor of this name", p.StartError)
	}
	t := &trampolineWriter{table.New(len(steps), report), fds}
	for i, s := range steps {
		if err := t.set(i, s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.Call(), err)
		}
	}
	return t.File(), nil
}

// trampolineWriter writes the table of a trampoline.
type trampolineWriter struct {
	*table.Program
	fds map[plan.Ref]int
}

func (t *trampolineWriter) set(i int, s *plan.Step) error {
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

func (t *trampolineWriter) arg(a plan.Arg) (uint64, error) {
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
	return 0, fmt.Errorf("argument %s: unknown when the trampoline is made", a)
}

// ReadStartError returns nil if the trampoline wrote nothing: the program runs. Otherwise it
// returns the step that failed, as an [*Error]. Of an execve for each directory of PATH that
// is the last that failed other than by a missing file, or else the first.
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
		return errors.New("start the program: the trampoline failed, and did not report which step")
	}
	return failed
}

// reported returns the steps that the trampoline has made: their indexes and errors.
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

// storeResults stores what the trampoline reported in the slots of its steps.
func (w *Walk) storeResults() {
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
