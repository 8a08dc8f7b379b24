// Core 24 of 28: the host's side
//
// Start makes the host's steps in their order. One of them is clone3: from then on the
// child makes its own steps, at the same time. The host reads the report pipe (plan.go)
// until its end, which comes when the child has executed the program or has died; then
// the slots show which. A tracer (trace.go) only reads the slots, for --explain.
//
// Rules:
//
//   - The caller is locked to its thread: a child with PR_SET_PDEATHSIG dies when the
//     thread that made it exits, not when the process does.
//   - A walk that fails leaves no process. The kernel frees what it has mounted when its
//     descriptors are closed.

package walk

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Trace is called for each step that was made or left out, in the order of the plan.
type Trace func(i int, r Result)

// Result is the outcome of a step.
type Result struct {
	Made  bool // false: left out, or not reached
	Value uintptr
	Errno unix.Errno    // 0 for success
	Took  time.Duration // since the previous step of the same side
}

// Caller is what the caller of Start provides.
type Caller struct {
	// FDs are descriptors that the plan has names for. Start does not close them.
	FDs map[plan.Ref]int
	// Trace may be nil.
	Trace Trace
	// Sync is called where the child waits for the host, and at the host's stops (stop.go). When
	// it returns nil the walk continues; otherwise the child is killed.
	Sync func(w *Walk, at plan.SyncPoint) error
}

// Walk is a plan that is carried out.
type Walk struct {
	plan    *plan.Plan
	program *program
	caller  Caller
	clone   int    // index of the step that made the container's process, or -1
	report  int    // read end of the pipe that ends at execve or death
	stopped error  // from Caller.Sync, or from the pipe to the child
	saved   bool   // Caller.Sync has recorded the process
	output  []byte // the table that the trampoline wrote when a step of it failed
	tracer  tracer
}

// Start carries out the plan, including execve, or up to the step at which a created
// container waits for its start. The calling goroutine must be locked to its thread, and
// stay so as long as the container runs.
//
// On success the container's process runs, and the caller closes the Walk when it has
// waited for that process. On error there is no process; the error is an [*Error] if a
// step failed.
func Start(p *plan.Plan, c Caller) (*Walk, error) {
	// the report pipe
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe2: %w", err)
	}
	defer unix.Close(pipe[0])
	c.FDs[plan.ReportRead], c.FDs[plan.ReportWrite] = pipe[0], pipe[1]

	// the plan in memory
	w, err := newWalk(p, c)
	if err != nil {
		unix.Close(pipe[1])
		return nil, err
	}
	w.report = pipe[0]

	// the host's steps, then the child's reports
	w.makeHostSteps()
	unix.Close(pipe[1])
	if w.clone >= 0 {
		w.readReports()
		w.unshare()
	}

	// the outcome
	w.storeResults()
	w.tracer.finish()
	if err := w.failure(); err != nil {
		w.reap(plan.Helper, plan.Intermediate, plan.Container)
		w.Close()
		return nil, err
	}
	w.closeAllBut(plan.Pidfd, plan.Ptmx)
	return w, nil
}

func newWalk(p *plan.Plan, c Caller) (*Walk, error) {
	program, err := lower(p, c.FDs)
	if err != nil {
		return nil, err
	}
	w := &Walk{plan: p, program: program, caller: c, clone: -1}
	w.tracer = tracer{walk: w, tell: c.Trace, began: now()}
	return w, nil
}

// makeHostSteps makes the host's steps, clone3 among them.
func (w *Walk) makeHostSteps() {
	// Block all signals: even one of Go's scheduler to its own thread interrupts a long
	// call (bpf(2) then fails with EAGAIN).
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before)
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)

	// the steps
	p := w.program
	for i := range p.ops {
		if p.ops[i].side != plan.Host || w.stopsAt() {
			continue
		}
		p.fill(i)
		if p.ops[i].number == unix.SYS_CLONE3 {
			beforeFork()
			pid, errno := cloneChild(p.ops, p.slots, i)
			afterFork()
			store(&p.ops[i], &p.slots[i], pid, errno)
			if p.ops[i].child != plan.Helper {
				w.clone = i
			}
		} else {
			step(&p.ops[i], p.slots, i)
		}
		if p.slots[i].state == failed {
			return
		}
	}
}

// readReports reads the report pipe to its end. If a step of the host failed after clone3,
// the child could wait for it forever, and is killed.
func (w *Walk) readReports() {
	if w.firstFailed(plan.Host) >= 0 {
		w.kill()
	}
	buf := make([]byte, 4096)
	for {
		w.tracer.look(w.report)
		n, err := unix.Read(w.report, buf)
		if n == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
		for i := range max(n, 0) {
			w.handleReport(buf[i : i+1])
		}
	}
}

// handleReport handles a byte of the report pipe. Each is a sync point, until the trampoline
// writes its table there, if a step of it fails: the first other byte begins that.
func (w *Walk) handleReport(b []byte) {
	switch at := plan.SyncPoint(b[0]); {
	case len(w.output) > 0:
		w.output = append(w.output, b...)
	case at == plan.Alive:
	case at == plan.Hooks || at == plan.Home || at == plan.Listen || at == plan.Save || at == plan.Stop:
		if w.stopped != nil {
			return
		}
		if w.stopped = w.caller.Sync(w, at); w.stopped == nil {
			_, w.stopped = unix.Write(w.caller.FDs[at.Answer()], []byte{byte(at)})
		}
		if w.stopped != nil {
			w.kill()
		}
		w.saved = w.saved || at == plan.Save
	default:
		w.output = append(w.output, b...)
	}
}

// kill kills the container's process, if there is one.
func (w *Walk) kill() {
	if pid, ok := w.Result(plan.Pid); ok {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// Result returns the result of this name, if a step has returned it.
func (w *Walk) Result(name plan.Ref) (int, bool) {
	for i := range w.plan.Steps {
		if w.plan.Steps[i].Result == string(name) && w.program.slots[i].state == done {
			return int(w.program.slots[i].value), true
		}
	}
	return 0, false
}

// Close closes the descriptors that the host's steps opened, and unmaps the shared
// memory. The Walk cannot be used after that.
func (w *Walk) Close() {
	w.closeAllBut()
	w.program.release()
}

// notDescriptors are the calls whose result is not a descriptor.
var notDescriptors = []string{"clone3", "mkdirat", "mknodat"}

// closeAllBut closes the descriptors that the host's steps opened, but for keep.
func (w *Walk) closeAllBut(keep ...plan.Ref) {
	for i, s := range w.plan.Steps {
		slot := &w.program.slots[i]
		name := plan.Ref(s.Result)
		opened := s.Side == plan.Host && name != "" && slot.state == done
		if opened && !slices.Contains(notDescriptors, s.Name) && !slices.Contains(keep, name) {
			unix.Close(int(slot.value))
			slot.state = todo
		}
	}
}

// reap kills the children that began with these sides and waits for them, the last first: process 1
// of a pid namespace is no zombie before the others are waited for. A step may have waited for one
// already, and another process may have its pid: then wait4(2) fails (ECHILD).
func (w *Walk) reap(sides ...plan.Side) {
	for i, s := range slices.Backward(w.plan.Steps) {
		slot := &w.program.slots[i]
		if pid := int(slot.value); slices.Contains(sides, s.Child) && slot.state == done && pid > 0 {
			if n, _ := unix.Wait4(pid, nil, unix.WNOHANG, nil); n == 0 {
				unix.Kill(pid, unix.SIGKILL)
				waitFor(pid)
			}
		}
	}
}

func waitFor(pid int) {
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); !errors.Is(err, unix.EINTR) {
			return
		}
	}
}
