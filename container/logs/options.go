package logs

import "time"

// Options say what of a log is wanted.
type Options struct {
	// Follow waits for more until the container has ended.
	Follow bool

	// Tail is how many lines are wanted, the last ones of both streams together
	// in the order in which they begin. 0 is none but those that come while the
	// log is followed; a negative number, all.
	Tail int

	// Since and Until are the first and the last time stamp of frames that are
	// wanted; the zero Time is no limit. With Follow, Until is an end too.
	Since, Until time.Time

	// Timestamps puts in front of each line when it began, in UTC and always as
	// wide as 2006-01-02T15:04:05.000000000Z.
	Timestamps bool

	// From is where to begin, or nil for the oldest frame. Copy closes it.
	From *Position
}
