// Core 26 of 28: the loop that the child runs

package walk

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/minictr/minictr/runtime/table"
	"golang.org/x/sys/unix"
)

// This file is the only code that runs in the child. See doc.go for what it
// must not do; go:nosplit makes the linker refuse what would grow the stack.

// slot is where the result of a step goes. It lies in shared memory: the
// child writes, the host reads.
type slot struct {
	state uint32
	errno uint32
	value uintptr
	ticks uint64 // the machine's clock when the call returned
}

// states of a slot
const (
	todo     = iota // not reached yet, or left out
	done            // the call succeeded; value holds its result
	accepted        // it failed with an error that is as good
	failed          // it failed, and the walk ended here
	kept            // it was left out, for an earlier step has the result of this name
)

// has tells whether a slot holds a result.
//
//go:norace
//go:nosplit
func (s *slot) has() bool { return s.state == done || s.state == kept }

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

// ticks reads the machine's clock without a system call.
func ticks() uint64

// split makes the clone3 call of ops[i]. It returns in the host alone. In the
// child it walks the steps of the side that begins here, and never returns.
//
// With CLONE_VM the child uses this very stack, while the host stands still. So
// the host returns at once, with nothing but what it has in registers; that is
// why vfork is not an ordinary function, and split not inlined. The standard
// library's forkAndExecInChild1 does the same.
//
// beforeFork, which the caller makes, blocks all signals, so that no handler of
// Go's runs in the child; CLONE_CLEAR_SIGHAND has removed them there when the
// first step of the plan unblocks signals again. A child may have a child in its
// turn.
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
	// Still here: the filter that was loaded forbids even this. A fault does not
	// ask it, and without a handler it is the end.
	var nowhere *uint64
	*nowhere = 0
	return 0, 0
}

// vfork makes a system call of two arguments that returns twice, the second time
// on a stack that has been used meanwhile.
func vfork(number, a1, a2 uintptr) (result, errno uintptr)

// fork makes a clone3 call of the child's, with memory of its own, and tells
// whether this is the child's child.
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

// step makes the call of one op, and tells whether the walk may go on.
//
//go:norace
//go:nosplit
func step(o *op, slots []slot, i int) bool {
	if o.needs != 0 && !slots[o.needs-1].has() {
		return true
	}
	if o.lacks != 0 && slots[o.lacks-1].has() {
		if o.keeps {
			slots[i].value, slots[i].state = slots[o.lacks-1].value, kept
		}
		return true
	}
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
	value, _, errno := syscall.RawSyscall6(o.number, w[0], w[1], w[2], w[3], w[4], w[5])
	if errno == 0 && !met(&o.expect) {
		errno = unix.EPERM
	}
	if errno == 0 && o.result != nil {
		value, errno = written(*o.result)
	}
	return store(o, &slots[i], value, uintptr(errno))
}

// written reads a result that the call has written to memory.
//
//go:norace
//go:nosplit
func written(n int32) (value uintptr, errno syscall.Errno) {
	if n < 0 && n >= -table.MaxErrno {
		return 0, syscall.Errno(-n)
	}
	return uintptr(n), 0
}

// store writes a result down; the state last, because it makes it valid.
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

// met compares what a call wrote with what the plan expects.
//
//go:norace
//go:nosplit
func met(e *expect) bool {
	if e.at == nil {
		return true
	}
	return (*(*uint64)(unsafe.Pointer(e.at))&e.mask == e.value) != e.not
}
