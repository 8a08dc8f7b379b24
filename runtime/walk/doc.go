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
// The slots lie in memory shared by both (MAP_SHARED). That is how the host
// learns what happened: which step failed and with which errno, and, for
// --explain, what each returned and when. Nothing is sent, so no call is made
// that is not in the plan. The end is told by a pipe: its write end closes
// when the child becomes the program, or dies.
package walk
