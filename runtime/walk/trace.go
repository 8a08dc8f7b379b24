package walk

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// String returns the result as strace(1) prints it, "" for a step that was not made.
func (r Result) String() string {
	switch {
	case !r.Made:
		return ""
	case r.Errno != 0:
		return "= " + unix.ErrnoName(r.Errno)
	}
	return fmt.Sprintf("= %d", int(r.Value))
}

// tracer calls Caller.Trace while the walk happens, by reading the slots. The child
// does nothing for it.
type tracer struct {
	walk  *Walk
	tell  Trace
	began mark
	next  int                // the step to be shown next
	last  [plan.Sides]uint64 // when the last step of each side returned
}

// mark is one moment on two clocks.
type mark struct {
	time  time.Time
	ticks uint64
}

func now() mark { return mark{time.Now(), ticks()} }

const interval = 200 * time.Microsecond // between two looks

// look shows steps as they are made, until the report pipe can be read.
func (v *tracer) look(report int) {
	if v.tell == nil {
		return
	}
	for {
		poll := []unix.PollFd{{Fd: int32(report), Events: unix.POLLIN}}
		n, _ := unix.Ppoll(poll, &unix.Timespec{Nsec: int64(interval)}, nil)
		for v.next < len(v.walk.plan.Steps) && v.settled(v.next) {
			v.show()
		}
		if n > 0 {
			return
		}
	}
}

// finish shows the rest.
func (v *tracer) finish() {
	for v.tell != nil && v.next < len(v.walk.plan.Steps) {
		v.show()
	}
}

// settled reports whether step i was made, or a later one of its side.
func (v *tracer) settled(i int) bool {
	steps, slots := v.walk.plan.Steps, v.walk.program.slots
	if steps[i].Side == plan.Caller {
		return true
	}
	for k := i; k < len(steps); k++ {
		if steps[k].Side == steps[i].Side && atomic.LoadUint32(&slots[k].state) != todo {
			return true
		}
	}
	return false
}

func (v *tracer) show() {
	i := v.next
	v.next++
	side := v.walk.plan.Steps[i].Side
	if side == plan.Caller {
		v.tell(i, Result{Made: true})
		return
	}
	s := &v.walk.program.slots[i]
	state := atomic.LoadUint32(&s.state)
	r := Result{Made: state != todo && state != kept}
	if r.Made {
		r.Value, r.Errno = s.value, unix.Errno(s.errno)
		since := v.last[side]
		if since == 0 {
			since = v.began.ticks
		}
		returned := s.ticks
		if child := v.walk.plan.Steps[i].Child; child != plan.Host {
			returned = v.begun(i, child)
			v.last[child] = returned
		}
		r.Took = v.duration(returned - since)
		v.last[side] = s.ticks
	}
	v.tell(i, r)
}

// begun returns when the child of step i, clone3, had begun. With CLONE_VFORK the call returns in
// the host only when the child has executed another program, long after its first step.
func (v *tracer) begun(i int, child plan.Side) uint64 {
	steps, slots := v.walk.plan.Steps, v.walk.program.slots
	for k := i + 1; k < len(steps); k++ {
		if state := atomic.LoadUint32(&slots[k].state); steps[k].Side == child && state != todo && state != kept {
			return min(slots[i].ticks, slots[k].ticks)
		}
	}
	return slots[i].ticks
}

// duration converts ticks to time, by how far both clocks have gone so far.
func (v *tracer) duration(t uint64) time.Duration {
	n := now()
	if n.ticks == v.began.ticks || int64(t) < 0 {
		return 0
	}
	return time.Duration(float64(t) * float64(n.time.Sub(v.began.time)) / float64(n.ticks-v.began.ticks))
}
