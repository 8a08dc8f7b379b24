// Core 26 of 28: the loop that the child runs
//
// Of this program the child runs only the functions of this file, and vfork in assembly.
//
// Rules:
//
//   - go:nosplit: a function whose stack would have to grow does not link.
//   - go:norace: the race detector, in tests, adds no calls.
//   - RawSyscall6 only makes the call; unix.Syscall also calls Go's scheduler.
//   - A slot's state is written last: when the host, at the same time, reads that a step is
//     done, the other fields are valid.

package walk

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// slot holds the outcome of a step, in memory that host and child share.
type slot struct {
	state uint32
	errno uint32
	value uintptr
	ticks uint64 // the processor's cycle counter when the call returned
}

// States of a slot.
const (
	todo     = iota // not reached yet, or left out
	done            // the call succeeded; value is its result
	accepted        // it failed with an error that the plan accepts
	failed          // it failed, and the walk ended here
	kept            // it was left out, as an earlier step has the result of this name
)

// has reports whether a slot has a result.
//
//go:norace
//go:nosplit
func (s *slot) has() bool { return s.state == done || s.state == kept }

// beforeFork blocks all signals of this thread, and afterFork restores them: the hooks
// that the standard library's os.StartProcess uses around its clone.
//
//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// ticks reads the processor's cycle counter, without a system call.
func ticks() uint64

// cloneChild makes the clone3 call of ops[i]. It returns in the host only. In the child it
// makes the steps of the side that begins here, and never returns. The child may make a
// child too (fork), which then makes the steps of its own side.
//
// With CLONE_VM the child uses the stack of the host, which is suspended, and overwrites
// it. So the host returns at once, with what is in registers only: that is why vfork is
// assembly, and cloneChild is not inlined.
//
// No signal handler of Go's runs in the child: beforeFork has blocked all signals, and
// CLONE_CLEAR_SIGHAND resets the handlers before a step of the plan unblocks them.
//
//go:noinline
//go:norace
//go:nosplit
func cloneChild(ops []op, slots []slot, i int) (pid, errno uintptr) {
	pid, errno = vfork(ops[i].number, ops[i].words[0], ops[i].words[1])
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	side := ops[i].child
	for i++; i < len(ops); i++ {
		switch {
		case ops[i].side != side:
		case ops[i].number != unix.SYS_CLONE3:
			if !step(&ops[i], slots, i) {
				i = len(ops)
			}
		case fork(&ops[i], &slots[i]):
			side = ops[i].child
		}
	}
	syscall.RawSyscall6(unix.SYS_EXIT_GROUP, exitNotStarted, 0, 0, 0, 0, 0)
	// The seccomp filter forbids even exit_group(2). Writing to address 0 is no system call:
	// without a handler the SIGSEGV kills the process.
	var nowhere *uint64
	*nowhere = 0
	return 0, 0
}

// vfork makes a system call of two arguments that returns twice, the second time on a
// stack that the child has overwritten.
func vfork(number, a1, a2 uintptr) (result, errno uintptr)

// fork makes a clone3 call of the child, without CLONE_VM, and reports whether it returns in
// the new process.
//
//go:norace
//go:nosplit
func fork(o *op, s *slot) bool {
	pid, _, errno := syscall.RawSyscall6(o.number, o.words[0], o.words[1], 0, 0, 0, 0)
	if errno == 0 && pid == 0 {
		return true
	}
	store(o, s, pid, uintptr(errno))
	return false
}

// exitNotStarted is the exit status of a child in which a step failed.
const exitNotStarted = 125

// step makes the call of one op, and reports whether the walk may continue.
//
//go:norace
//go:nosplit
func step(o *op, slots []slot, i int) bool {
	// leave the step out, depending on the results of earlier ones?
	if o.needs != 0 && !slots[o.needs-1].has() {
		return true
	}
	if o.lacks != 0 && slots[o.lacks-1].has() {
		if o.keeps {
			slots[i].value, slots[i].state = slots[o.lacks-1].value, kept
		}
		return true
	}

	// the words, with results of earlier steps
	var w [6]uintptr
	for k := range w {
		w[k] = o.words[k]
		if r := o.refs[k]; r != 0 {
			if !slots[r-1].has() {
				return true
			}
			w[k] = slots[r-1].value
		}
	}

	// the call, and its result
	value, _, errno := syscall.RawSyscall6(o.number, w[0], w[1], w[2], w[3], w[4], w[5])
	if errno == 0 && !met(&o.expect) {
		errno = unix.EPERM
	}
	if errno == 0 && o.result != nil {
		value, errno = writtenResult(*o.result)
	}
	return store(o, &slots[i], value, uintptr(errno))
}

// writtenResult returns a result that the call has written to memory: a value, or, as in a
// reply of rtnetlink(7), an errno as a negative number.
//
//go:norace
//go:nosplit
func writtenResult(n int32) (value uintptr, errno syscall.Errno) {
	if n < 0 && n >= -table.MaxErrno {
		return 0, syscall.Errno(-n)
	}
	return uintptr(n), 0
}

// store stores the outcome of a step, and reports whether the walk may continue.
//
//go:norace
//go:nosplit
func store(o *op, s *slot, value, errno uintptr) bool {
	state := uint32(done)
	if errno != 0 {
		state = failed
		for k := range o.accept {
			if o.accept[k] == errno {
				state = accepted
			}
		}
	}
	s.value, s.errno, s.ticks = value, uint32(errno), ticks()
	atomic.StoreUint32(&s.state, state)
	return state != failed
}

// met reports whether a call has written what the plan expects.
//
//go:norace
//go:nosplit
func met(e *expect) bool {
	if e.at == nil {
		return true
	}
	return (*(*uint64)(unsafe.Pointer(e.at))&e.mask == e.value) != e.not
}
