package logs

import (
	"context"
	"errors"
	"io"
	"os"
	"time"
)

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

// Copy writes what the log in the folder dir holds of standard output to
// stdout, and of standard error to stderr, in order, each frame as it is,
// without waiting for the end of a line. A nil writer leaves its stream out.
//
// With o.Follow it ends when ended is closed and all that was written before is
// read, or with ctx. Otherwise it ends where the log ended when it began.
//
// What can be read is written even if there is an error. A file that holds
// something else than frames is read up to there. The beginning of a frame at
// the end of a file is waited for, or else left out.
func Copy(ctx context.Context, dir string, o Options, ended <-chan struct{}, stdout, stderr io.Writer) error {
	return errors.ErrUnsupported
}

// Position is a place between two frames of a log. It stays right when the log
// is renamed.
type Position struct {
	file   *os.File // nil: the log was not there
	offset int64
}

// End is where the log in dir ends now. To see all that a container says from
// its start on, and nothing older, ask for it before the start; and to show a
// terminal, Copy with Options{Follow: true, Tail: -1, From: end}.
func End(dir string) (*Position, error) {
	return nil, errors.ErrUnsupported
}

// Close is for a Position that no Copy has got.
func (p *Position) Close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}
