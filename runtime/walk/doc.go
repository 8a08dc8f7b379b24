// Core 23 of 28: carrying a plan out

// Package walk carries out a plan: the host's steps in this process, the
// container's in the child that clone3(2) makes.
//
// The difficulty is the child. It is a copy of a Go program in which all
// threads but one are missing: the garbage collector, the scheduler, whoever
// held a lock at that moment. Ordinary Go code may not run there: an
// allocation, a growing stack, a lock would wait for ever or crash. Other
// runtimes start a second program at this point, in C, or themselves anew.
//
// Here everything the child needs is laid out before the clone. A step is
// lowered to an [op]: the number of a system call and six words; where a
// memory address is wanted, the memory is already there. What is not known
// yet, such as a descriptor that a call is going to return, is a reference
// to the slot where the result will be. So the child only runs one loop
// ([step], in child.go): take the words, make the call, store the result.
// It allocates nothing, locks nothing, and its stack does not grow; it is
// compiled with go:nosplit, so that the linker proves that.
//
// Where nothing speaks against it the child does not even get a copy: it borrows
// the host's memory, as vfork(2) does, and the host stands still until the child
// has left it. To copy would take longer than most of the plan.
//
// The slots lie in memory shared by both (MAP_SHARED). That is how the host
// learns what happened: which step failed and with which errno, and, for
// --explain, what each returned and when. Nothing is sent, so no call is made
// that is not in the plan. The end is told by a pipe: its write end closes
// when the child becomes the program, or dies.
//
// The last steps are not made from here. Our program, with the host's memory and
// for all to see as /proc/self/exe, has no place in a container; so the child
// executes a smaller one, made of these steps alone: trampoline.go.
package walk
