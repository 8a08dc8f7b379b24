// Core 24 of 28: the host's side

package walk

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// Trace is told each step that has been made, or was left out, in the order
// of the plan.
type Trace func(i int, r Result)

// Result is what became of a step.
type Result struct {
	Made  bool // false: it was left out, or never reached
	Value uintptr
	Errno unix.Errno    // 0 for success
	Took  time.Duration // since the step before it on the same side
}

// Caller is what the caller contributes to a walk.
type Caller struct {
	// Given are descriptors that the plan has names for; they stay the caller's.
	FDs map[plan.Ref]int
	// Watch is told of each step; nil for nobody.
	Trace Trace
	// Stop is called where the plan lets the child wait for the host. The child
	// goes on when it returns, or is killed if it returns an error.
	Sync func(w *Walk, at plan.SyncPoint) error
}

// Walk is a plan that is being carried out.
type Walk struct {
	plan    *plan.Plan
	program *program
	caller  Caller
	clone   int // index of the clone3 step that was made, or -1
	report  int // read end of the pipe that closes at execve or death
	stopped error
	saved   bool   // Caller.Stop has been told to save
	output  []byte // what the trampoline had to say
	tracer  tracer
}

// Start carries out the plan: up to and with execve, or to where a container
// that was only created waits.
//
// The calling goroutine must be locked to its thread, and stay so for as long
// as the container lives: PR_SET_PDEATHSIG watches the thread that cloned,
// not the process.
//
// On success the container's process runs and the caller closes the Walk when
// that process has been waited for. On error there is none: a child that
// failed has been waited for. The error is an [*Error] if a step failed.
func Start(p *plan.Plan, c Caller) (*Walk, error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe2: %w", err)
	}
	defer unix.Close(pipe[0])
	c.FDs[plan.ReportRead], c.FDs[plan.ReportWrite] = pipe[0], pipe[1]
	program, err := lower(p, c.FDs)
	if err != nil {
		unix.Close(pipe[1])
		return nil, err
	}
	w := &Walk{plan: p, program: program, caller: c, clone: -1, report: pipe[0]}
	w.tracer = tracer{walk: w, tell: c.Trace, began: now()}
	w.host()
	unix.Close(pipe[1])
	if w.clone >= 0 {
		w.await()
	}
	w.noteResults()
	w.tracer.finish()
	if err := w.failure(); err != nil {
		w.reap()
		w.Close()
		return nil, err
	}
	w.closeAllBut(plan.Pidfd, plan.Ptmx)
	return w, nil
}

// host makes the host's steps, the clone among them. Signals wait meanwhile:
// one of them, even one that only Go's scheduler sends, would interrupt a long
// call (bpf(2) answers EAGAIN).
func (w *Walk) host() {
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^all.Val[i]
	}
	unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before)
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	p := w.program
	for i := range p.ops {
		if p.ops[i].side != plan.Host {
			continue
		}
		p.fill(i)
		if p.ops[i].number == unix.SYS_CLONE3 {
			beforeFork()
			pid, errno := split(p.ops, p.slots, i)
			afterFork()
			store(&p.ops[i], &p.slots[i], pid, errno)
			if p.ops[i].child != plan.UsernsHelper {
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

// await reads the report pipe to its end. If the host failed after the clone
// the child may wait for it, and is killed.
func (w *Walk) await() {
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
			w.read(buf[i : i+1])
		}
	}
}

// read takes one byte of what the child reports: a stop, a sign of life, or,
// from the first byte that is neither, the verdict of the trampoline.
func (w *Walk) read(b []byte) {
	switch at := plan.SyncPoint(b[0]); {
	case len(w.output) > 0:
		w.output = append(w.output, b...)
	case at == plan.Alive:
	case at == plan.Hooks || at == plan.Listen || at == plan.Save:
		if w.stopped != nil {
			return
		}
		if w.stopped = w.caller.Sync(w, at); w.stopped == nil {
			_, w.stopped = unix.Write(w.caller.FDs[plan.ResumeWrite], []byte{byte(at)})
		}
		if w.stopped != nil {
			w.kill()
		}
		w.saved = w.saved || at == plan.Save
	default:
		w.output = append(w.output, b...)
	}
}

// kill ends the container's process, if there is one.
func (w *Walk) kill() {
	if pid, ok := w.Result(plan.Pid); ok {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// Result is the value that a step of this name returned.
func (w *Walk) Result(name plan.Ref) (int, bool) {
	for i := range w.plan.Steps {
		if w.plan.Steps[i].Result == string(name) && w.program.slots[i].state == done {
			return int(w.program.slots[i].value), true
		}
	}
	return 0, false
}

// Close closes the descriptors that the host's steps opened, and gives the
// shared memory back. The Walk is of no use after that.
func (w *Walk) Close() {
	w.closeAllBut()
	w.program.release()
}

// closeAllBut closes what the host's steps opened. Every result of theirs is
// a descriptor, but for the number of a process.
func (w *Walk) closeAllBut(keep ...plan.Ref) {
	for i, s := range w.plan.Steps {
		slot := &w.program.slots[i]
		name := plan.Ref(s.Result)
		if s.Side == plan.Host && name != "" && s.Name != "clone3" && slot.state == done && !slices.Contains(keep, name) {
			unix.Close(int(slot.value))
			slot.state = todo
		}
	}
}

// reap kills and waits for the children of a walk that failed, but for those
// that have been waited for: their numbers are no longer ours.
func (w *Walk) reap() {
	for i, s := range w.plan.Steps {
		if slot := &w.program.slots[i]; s.Name == "clone3" && slot.state == done {
			if n, _ := unix.Wait4(int(slot.value), nil, unix.WNOHANG, nil); n == 0 {
				unix.Kill(int(slot.value), unix.SIGKILL)
				waitFor(int(slot.value))
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
