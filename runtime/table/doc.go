// Package table makes programs that are a table of system calls.
//
// Such a program is an ELF file (elf(5)) of some hundred bytes, for a file in memory
// (memfd_create(2)). It uses no library and no stack; a process that runs it has a few
// pages, and nothing of the program that made it.
// minictr makes three: the trampoline, which executes the container's program (package
// walk), the monitor of a detached container while it waits (container/monitor), and a
// copy of output after minictr has ended (runtime/stdio).
//
//	headers  of the file and its segments
//	code     a loop of some twenty instructions, in assembly (loop_*.s)
//	head     what to write when a call fails: descriptor, address, length
//	table    the lines, ended by a mark instead of a number
//	memory   the arguments that lines point to
//
// The loop takes one [Line] after the other: it makes the call, stores its result, and
// goes to the line that follows such a result. That is enough to wait, to branch and
// to repeat.
//
// When a call fails and no line follows, the table is written to the descriptor of the
// head, and the process exits: the reader finds the error in the results. When an
// execve(2) succeeds nothing of the program is left.
package table
