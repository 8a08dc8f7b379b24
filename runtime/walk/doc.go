// Core 23 of 28: carrying a plan out

// Package walk carries out a plan: the host's steps in this process, the
// container's in the child that clone3(2) makes.
//
// The difficulty is the child. It is a copy of a Go program in which only one thread
// exists: the threads of the garbage collector and the scheduler are missing, and so is
// any thread that held a lock. Ordinary Go code must not run there: an allocation, a
// growing stack or a lock would block forever or crash. Other runtimes start a second
// program at this point, in C, or execute themselves again.
//
// Here everything that the child needs is laid out before the clone. A step is lowered
// to an [op]: the number of a system call and six words. Memory that a word points to
// is already filled. What is not known yet, such as a descriptor that a call will
// return, is a reference to the slot that will hold the result. So the child runs one
// loop only ([step], in child.go): it takes the words, makes the call, and stores the
// result. It allocates nothing and locks nothing. Its functions are marked go:nosplit:
// the linker refuses them if the stack could grow.
//
// Where nothing forbids it the child gets no copy of the memory: it shares the host's,
// as with vfork(2), and the host is suspended until the child has executed another
// program. A copy would take longer than most of the plan.
//
// The slots lie in memory that both share (MAP_SHARED). From them the host reads which
// step failed with which errno, and, for --explain, what each step returned and when.
// Nothing is sent, so no call is made that is not in the plan. A pipe tells the end: its
// write end closes when the child becomes the program, or dies.
//
// The last steps are made by another program. This one has the host's memory, and is
// visible in a container as /proc/self/exe. So the child executes the trampoline, a
// program of these steps alone (trampoline.go).
//
// Read walk.go, lower.go, child.go, trampoline.go, error.go; then trace.go, which shows
// a walk while it happens, and vfork_*.s, ticks_*.s.
package walk
