// Core 23 of 28: carrying a plan out

// Package walk carries out a plan: the host's steps in this process, the container's in
// the child that clone3(2) makes.
//
// The difficulty is the child. It is a copy of a Go program that has one thread left: the
// garbage collector, the scheduler, a thread that held a lock at that moment are gone.
// Ordinary Go code may not run there: an allocation, a growing stack or a lock would
// wait forever, or crash. Other runtimes start a second program at this point, in C,
// or themselves again.
//
// Here everything that the child needs is laid out before the clone. A step is lowered
// to an [op]: the number of a system call and six words. Where a word is an address, the
// memory is already there. Where it is the result of an earlier step, such as a
// descriptor, it refers to the slot where that result will be. So the child only runs
// one loop ([step], in child.go): take the words, make the call, store the result. It
// allocates nothing, locks nothing, and its stack does not grow: the linker refuses a
// function marked go:nosplit whose stack could.
//
// If possible the child does not even get a copy of the host's memory: it uses the
// host's, as with vfork(2), and the host stands still until the child has left this
// program. Copying would take longer than most of the plan.
//
// The slots lie in memory that both share (MAP_SHARED). So the host learns which step
// failed and with which error, and, for --explain, what each step returned and when,
// without a call that is not in the plan. That the child has become the program, or has
// died, the host learns from the end of a pipe.
//
// The last steps are not made from here. This program, with the host's memory and
// readable as /proc/self/exe, may not run in a container; so the child executes a
// smaller one, made of these steps alone.
//
// Read it in this order: walk.go, lower.go, child.go, trampoline.go, error.go; then
// trace.go, which shows a walk while it happens, and vfork_*.s, ticks_*.s.
package walk
