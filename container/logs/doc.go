// Package logs writes, reads and follows the log of a detached container.
//
// The log is a file in the container's directory. What the container writes to its
// standard output or standard error is appended piece by piece, as it comes. Each piece,
// a frame, has a header:
//
//	offset  size  content
//	     0     8  seconds since 1970, of CLOCK_REALTIME
//	     8     8  nanoseconds, below 1,000,000,000
//	    16     8  stream: 1 standard output, 2 standard error
//	    24     8  length of what follows, in bytes
//	    32        the bytes, whatever they are
//
// The numbers are in the byte order of the machine. A frame knows nothing of lines: it
// may hold half a line, or a hundred. The package knows nothing of containers either.
//
// Rules:
//   - One process writes at a time: the caller sees to that. It appends each frame with
//     one write(2), so a reader at that moment sees whole frames and perhaps, at the end,
//     the beginning of one.
//   - A log that has reached its maximum is renamed to Older, over the one before, and a
//     new one is created.
//   - Readers need no lock: a file that they have open stays as it is under any name.
//   - A writer that was killed may leave the beginning of a frame: the next writer calls
//     Repair first.
//
// Reading order: logs.go, frame.go, writer.go, repair.go; files.go, position.go (two
// files that are renamed while they are read); options.go, lines.go, copy.go, follow.go
// (from frames to lines); time.go (--since and --until).
package logs
