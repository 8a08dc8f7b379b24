package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// ErrQuit is the error of a walk that the reader has ended.
var ErrQuit = errors.New("ended at a stop, before the program has started")

// Unit is how far it is from one stop to the next.
type Unit int

const (
	Section Unit = iota // a part of the plan
	Call                // a system call
	end                 // there is no other stop
)

// Stepper stops between the calls of a plan.
type Stepper struct {
	ctx  context.Context
	keys *keys
	unit Unit

	walk   *walk.Walk
	list   *list
	kernel *kernel
	stops  []int // indexes of the steps with a stop before them, in the order in which they are made
	passed int   // how many of them are behind
	at     int   // the index of the step before which it has stopped last, -1 for none
}

// New returns a Stepper for one run. When ctx ends, a walk that stands at a stop ends with
// its cause. The caller closes it.
func New(ctx context.Context, unit Unit) (*Stepper, error) {
	k, err := openKeys()
	if err != nil {
		return nil, err
	}
	return &Stepper{ctx: ctx, keys: k, unit: unit}, nil
}

// Close closes the terminal.
func (s *Stepper) Close() error { return s.keys.close() }

// Stop is called at each stop of a walk, in the thread that makes the host's steps. All
// signals are blocked in that one, and its working directory is not the reader's: another
// thread asks the reader.
func (s *Stepper) Stop(w *walk.Walk) error {
	if w != s.walk {
		s.begin(w)
	}
	i := s.stops[s.passed]
	s.passed++
	switch {
	case s.unit == end:
		return nil
	case s.unit == Section && s.at >= 0 && s.list.sections[i] == s.list.sections[s.at]:
		return nil
	case s.unit == Call && w.LeftOut(i):
		s.list.print(i, i+1)
		fmt.Fprintln(s.keys.out, "      left out: an earlier step decides that")
		return nil
	}
	thread, done := unix.Gettid(), make(chan error)
	go func() { done <- s.ask(i, thread) }()
	return <-done
}

// begin begins with a walk. It may be a second one: a plan that has failed at a dangling
// symbolic link is carried out once more, with other paths (package runtime, links.go).
func (s *Stepper) begin(w *walk.Walk) {
	out := s.keys.out
	if s.walk != nil && s.unit != end {
		fmt.Fprintln(out, "\nThis plan has failed at a dangling symbolic link. From the beginning, with other paths:")
	}
	p := w.Plan()
	s.walk, s.list, s.kernel = w, newList(out, p, s.keys.terminal), &kernel{out: out, walk: w}
	s.stops, s.passed, s.at = stops(p), 0, -1
}

// stops returns the indexes of the steps before which a walk stops, in its order.
func stops(p *plan.Plan) (host []int) {
	var child []int
	for i := range p.Steps {
		switch s := &p.Steps[i]; {
		case s.Side == plan.Host:
			host = append(host, i)
		case s.IsStop() && s.Name == "read":
			child = append(child, i+1)
		}
	}
	return append(host, child...)
}

// ask prints what comes next, and reads keys until the walk goes on, or ends.
func (s *Stepper) ask(i, thread int) error {
	s.print(i)
	s.kernel.look(thread)
	if s.at < 0 {
		fmt.Fprintln(s.keys.out, "\nEnter goes on, ? prints all keys.")
	}
	for s.at = i; ; {
		line, err := s.keys.read(s.ctx, fmt.Sprintf("before %d of %d> ", i+1, len(s.walk.Plan().Steps)))
		if err != nil {
			return err
		}
		unit, known := map[string]Unit{"": s.unit, "s": Call, "n": Section, "c": end}[line]
		switch {
		case known:
			s.unit = unit
			return nil
		case line == "q":
			return ErrQuit
		case line == "k":
			s.kernel.printChanges()
		case line == "K":
			s.kernel.printAll()
		case line == "?":
			fmt.Fprint(s.keys.out, help)
		case strings.HasPrefix(line, "!"):
			s.command(line[1:])
		default:
			fmt.Fprintf(s.keys.out, "%q: unknown key; ? prints the keys\n", line)
		}
	}
}

const help = `Enter     go on to the next stop
s         go on to the next call; from then on, stop before each call
n         go on to the next section; from then on, stop before each section
c         go on to the end, without stops
k         the kernel's view: what has changed since the last stop
K         the kernel's view, whole
!COMMAND  run a command of the host; $PID is the container's process
q         end, and leave nothing behind
`

// print prints what the last call has returned, and the steps from i to the next stop.
func (s *Stepper) print(i int) {
	from, to := i, len(s.walk.Plan().Steps)
	if s.at < 0 {
		from = 0 // with those that were made before the walk
	} else if r := s.walk.Outcome(s.at); s.unit == Call && r.Made {
		fmt.Fprintf(s.keys.out, "      %s\n", r)
	}
	for _, next := range s.stops[s.passed:] {
		if s.unit == Call || s.list.sections[next] != s.list.sections[i] {
			to = next
			break
		}
	}
	s.list.print(from, to)
}

// command runs a command of the host, and waits for it. $PID is empty before clone3.
func (s *Stepper) command(text string) {
	pid := ""
	if n, ok := s.walk.Result(plan.Pid); ok {
		pid = strconv.Itoa(n)
	}
	if err := s.keys.run(s.ctx, text, append(os.Environ(), "PID="+pid)); err != nil {
		fmt.Fprintln(s.keys.out, err)
	}
}
