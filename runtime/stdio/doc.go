// Package stdio connects the standard streams of the host side to a container.
//
// Each stream has two ends: the host end, which belongs to minictr or its caller,
// and the container end, which the container's process gets.
//
// A pipe or a socket is passed as it is: the container reads and writes it without
// minictr, so `tar c . | minictr run -i … tar x` runs at the speed of the two
// tars. Nothing else is passed:
//
//   - A process with a terminal can read what is typed for others, and push
//     characters into it (ioctl_tty(2), TIOCSTI), even over standard output.
//   - A process with a file or a device of the host can change its owner and mode
//     (fchmod(2)), and open /proc/self/fd/0 to write what was opened for reading.
//
// In front of those is a pipe (copy.go), or, with a terminal of the container's own,
// a pseudo-terminal (terminal.go). null(4) is replaced by the container's own, or by one
// that is made for the process.
//
// minictr cannot copy the streams of a process that outlives it. An engine that
// creates such a container is responsible for the streams it passes (Inherit). What
// processes write that were left behind is copied by a program of its own (leave.go).
//
// Reading order: stdio.go (which stream is passed, and which is copied), copy.go (a
// pipe in front of a file, a device or a terminal), leave.go (the same, when minictr has
// ended), plan.go (what a plan shows of it), terminal.go, detach.go (the streams of a
// detached process).
package stdio
