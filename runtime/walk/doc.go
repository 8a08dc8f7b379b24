// Core 23 of 28: carrying a plan out

// Package walk carries out a plan: the host's steps in this process, the container's in
// the child that clone3(2) makes.
//
// The difficulty is the child. It is a copy of a Go program with a single thread: those of
// the garbage collector and the scheduler, and one that held a lock, do not exist in it.
// Ordinary Go code cannot run there: an allocation, a growing stack or a lock could wait
// forever, or crash. Other runtimes execute a C program, or themselves again, to avoid it.
//
// Here everything that the child needs is laid out before the clone. A step is lowered
// to an [op]: the number of a system call and six words. Where a word is an address, the
// memory is already there. Where it is the result of an earlier step, such as a
// descriptor, it refers to the slot where that result will be. So the child only runs
// one loop ([step], in child.go): take the words, make the call, store the result. It
// allocates nothing, locks nothing, and its stack does not grow: the linker refuses a
// function marked go:nosplit whose stack could.
//
// If possible the child shares the host's memory, as with vfork(2), and the host is
// suspended until the child has executed another program. A copy would take longer than
// most of the plan.
//
// The slots are in memory that both share (MAP_SHARED). There the host reads which step
// failed and with which error, and, for --explain, what each step returned and when,
// without a call that is not in the plan. When the child has executed the program, or has
// died, the report pipe ends.
//
// The last steps are made by a smaller program, the trampoline: no process of a container
// may read this one as /proc/PID/exe.
//
// Read it in this order: walk.go, lower.go, child.go, trampoline.go, error.go; then
// trace.go, which shows a walk while it happens, stop.go (`run --step`), vfork_*.s, ticks_*.s.
package walk
