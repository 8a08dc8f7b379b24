package logs

import "time"

// Options select what Copy writes of a log.
type Options struct {
	// Follow waits for more until the container has exited.
	Follow bool

	// Tail is the number of last lines to write, of both streams together, in the
	// order in which they begin. 0 means none but those that come while the log is
	// followed; a negative number means all.
	Tail int

	// Since and Until are the first and the last timestamp of frames to write; the
	// zero Time means no limit. With Follow, Copy also returns at Until.
	Since, Until time.Time

	// Timestamps writes before each line the time at which it began, in UTC and of
	// constant width: 2006-01-02T15:04:05.000000000Z.
	Timestamps bool

	// Details are written before each line, behind its timestamp.
	Details string

	// From is where to start, or nil for the oldest frame. Copy closes it.
	From *Position
}
