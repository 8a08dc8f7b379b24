// Package logs keeps what a container has said: it writes the log, reads it,
// and follows it while it grows.
//
// The log is a file in the container's folder. What the container writes to
// its standard output or standard error is put into it piece by piece, as it
// comes, and each piece, a frame, has a header in front:
//
//	offset  size  content
//	     0     8  seconds since 1970, of CLOCK_REALTIME
//	     8     8  nanoseconds, below 1,000,000,000
//	    16     8  stream: 1 standard output, 2 standard error
//	    24     8  length of what follows, in bytes
//	    32        the bytes, whatever they are
//
// The numbers are in the byte order of the machine. A frame knows nothing of
// lines: it may hold half a line, or a hundred.
//
// One process writes at a time. It only appends, a frame with one call, so
// that who reads at that moment sees frames that are whole and perhaps, at the
// end, the beginning of one. When the log has reached its maximum it is
// renamed to Older, over the one before, and a new one is made. Readers need
// no lock: a file that they have open stays as it is under any name.
package logs

const (
	Current = "log"   // the file that is written
	Older   = "log.1" // the one before it

	HeaderSize = 32      // bytes
	MaxFrame   = 1 << 20 // bytes that a reader takes behind a header
	Maximum    = 8 << 20 // bytes after which a log is renamed, if nobody says otherwise
)

// The streams of a frame.
const (
	Stdout = 1
	Stderr = 2
)
