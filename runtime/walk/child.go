// Core 26 of 28: the loop that the child runs

package walk

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// This file is the only Go code that runs in the child; doc.go says what it must not do.
// go:nosplit makes the linker refuse code that could grow the stack, and go:norace
// leaves out calls of the race detector.

// slot holds the result of a step. It lies in shared memory: the child writes it, the
// host reads it.
type slot struct {
	state uint32
	errno uint32
	value uintptr
	ticks uint64 // the processor's cycle counter when the call returned
}

// states of a slot
const (
	todo     = iota // not reached yet, or skipped
	done            // the call succeeded; value holds its result
	accepted        // the call failed with an error of Step.Accept
	failed          // the call failed, and the walk ended here
	kept            // the step was skipped: an earlier one has the result of this name
)

// has reports whether a slot holds a result.
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

// ticks reads the processor's cycle counter, which needs no system call.
func ticks() uint64

// split makes the clone3 call of ops[i]. It returns only in the host. In the child it
// walks the steps of the side that starts here, and never returns.
//
// With CLONE_VM the child runs on this very stack while the host is suspended, and
// overwrites it. So the host returns at once, with values from registers only: vfork is
// written in assembly, and split must not be inlined. The standard library's
// forkAndExecInChild1 does the same.
//
// The caller has called beforeFork, so no signal handler of Go runs in the child.
// CLONE_CLEAR_SIGHAND has removed the handlers before the first step unblocks signals. A
// child may have a child of its own.
//
//go:noinline
//go:norace
//go:nosplit
func split(ops []op, slots []slot, i int) (pid, errno uintptr) {
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
	syscall.RawSyscall6(unix.SYS_EXIT_GROUP, exitUnborn, 0, 0, 0, 0, 0)
	// The seccomp filter forbids exit_group(2). A page fault is no system call: without a
	// handler its SIGSEGV ends the process.
	var nowhere *uint64
	*nowhere = 0
	return 0, 0
}

// vfork makes a system call of two arguments that returns twice, the second time on a
// stack that the child has overwritten.
func vfork(number, a1, a2 uintptr) (result, errno uintptr)

// fork makes a clone3 call in the child, without CLONE_VM, and reports whether it
// returned in the new process.
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

// exitUnborn is the status of a child that never became the program.
const exitUnborn = 125

// step makes the call of one op, and reports whether the walk may go on.
//
//go:norace
//go:nosplit
func step(o *op, slots []slot, i int) bool {
	// skip it if it depends on a result that is missing, or present
	if o.needs != 0 && !slots[o.needs-1].has() {
		return true
	}
	if o.lacks != 0 && slots[o.lacks-1].has() {
		if o.keeps {
			slots[i].value, slots[i].state = slots[o.lacks-1].value, kept
		}
		return true
	}

	// its arguments: earlier results take the place of words
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

	// the call
	value, _, errno := syscall.RawSyscall6(o.number, w[0], w[1], w[2], w[3], w[4], w[5])
	if errno == 0 && !met(&o.expect) {
		errno = unix.EPERM
	}
	if errno == 0 && o.result != nil {
		value, errno = written(*o.result)
	}
	return store(o, &slots[i], value, uintptr(errno))
}

// written returns a result that the call has written to memory.
//
//go:norace
//go:nosplit
func written(n int32) (value uintptr, errno syscall.Errno) {
	if n < 0 && n >= -table.MaxErrno {
		return 0, syscall.Errno(-n)
	}
	return uintptr(n), 0
}

// store stores a result. The state comes last: it makes the rest valid for the host.
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

// met reports whether the memory that a call has written is as the plan expects.
//
//go:norace
//go:nosplit
func met(e *expect) bool {
	if e.at == nil {
		return true
	}
	return (*(*uint64)(unsafe.Pointer(e.at))&e.mask == e.value) != e.not
}
