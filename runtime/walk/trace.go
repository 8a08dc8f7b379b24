package walk

import (
	"sync/atomic"
	"time"

	"github.com/minictr/minictr/runtime/plan"
	"golang.org/x/sys/unix"
)

// tracer reports the steps of a walk while it happens, by reading the slots. The child
// is not involved.
type tracer struct {
	walk  *Walk
	tell  Trace
	began mark
	next  int                // index of the step to report next
	last  [plan.Sides]uint64 // when the last step of each side returned
}

// mark is one moment on two clocks.
type mark struct {
	time  time.Time
	ticks uint64
}

func now() mark { return mark{time.Now(), ticks()} }

const interval = 200 // microseconds between two readings of the slots

// look reports the steps that have been made, until the report pipe can be read.
func (v *tracer) look(report int) {
	if v.tell == nil {
		return
	}
	for {
		poll := []unix.PollFd{{Fd: int32(report), Events: unix.POLLIN}}
		n, _ := unix.Ppoll(poll, &unix.Timespec{Nsec: interval * 1000}, nil)
		for v.next < len(v.walk.plan.Steps) && v.settled(v.next) {
			v.show()
		}
		if n > 0 {
			return
		}
	}
}

// finish reports the other steps.
func (v *tracer) finish() {
	for v.tell != nil && v.next < len(v.walk.plan.Steps) {
		v.show()
	}
}

// settled reports whether step i, or a later one of its side, was made.
func (v *tracer) settled(i int) bool {
	steps, slots := v.walk.plan.Steps, v.walk.program.slots
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
	s := &v.walk.program.slots[i]
	state := atomic.LoadUint32(&s.state)
	r := Result{Made: state != todo && state != kept}
	if r.Made {
		r.Value, r.Errno = s.value, unix.Errno(s.errno)
		since := v.last[side]
		if since == 0 {
			since = v.began.ticks
		}
		r.Took = v.duration(s.ticks - since)
		v.last[side] = s.ticks
		if child := v.walk.plan.Steps[i].Child; child != plan.Host {
			v.last[child] = s.ticks
		}
	}
	v.tell(i, r)
}

// duration converts ticks to time, by the progress of both clocks since the start.
func (v *tracer) duration(t uint64) time.Duration {
	n := now()
	if n.ticks == v.began.ticks || int64(t) < 0 {
		return 0
	}
	return time.Duration(float64(t) * float64(n.time.Sub(v.began.time)) / float64(n.ticks-v.began.ticks))
}
