package logs

const (
	Current = "log"   // the file that is written to
	Older   = "log.1" // the one before it

	HeaderSize = 32      // bytes
	MaxFrame   = 1 << 20 // bytes: the longest frame that a reader accepts
	Maximum    = 8 << 20 // bytes: the default length at which a log is renamed
)

// The streams of a frame.
const (
	Stdout = 1
	Stderr = 2
)
