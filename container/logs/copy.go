package logs

// Reading. The files that are there are opened first, and where they end then
// is the goal, so that a container which never falls silent is no reason to go
// on for ever. To follow it is to go on all the same: again and again to where
// the last file ends now, and into those that have come after it.
//
// The last lines are found by going through the files twice, which takes no
// memory: once to count, once to leave out all but those.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
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
// without waiting for the end of a line. A nil writer leaves its stream out; for
// a terminal there is printable.Writer.
//
// With o.Follow it ends when ended is closed and all that was written before is
// read, or with ctx. Otherwise it ends where the log ended when it began.
//
// What can be read is written even if there is an error. A file that holds
// something else than frames is read up to there; no more of it can be
// followed. The beginning of a frame at the end of a file is waited for, or
// else left out. Who follows slower than the container speaks, so that the log
// is renamed twice meanwhile, may miss what was in between, and is told.
func Copy(ctx context.Context, dir string, o Options, ended <-chan struct{}, stdout, stderr io.Writer) error {
	c := &copying{dir: dir, lines: newLines(&o, stdout, stderr)}
	err := c.run(ctx, &o, ended)
	return errors.Join(append(c.damage, c.gap, err, c.close())...)
}

type copying struct {
	dir   string
	watch *watch
	files []*reader // oldest first
	lines *lines

	damage []error // of files that could not be read to their ends
	gap    error   // between files
}

func (c *copying) run(ctx context.Context, o *Options, ended <-chan struct{}) (err error) {
	if o.Follow { // watched before the first look, so that nothing comes unseen
		if c.watch, err = watchFolder(c.dir); err != nil {
			return errors.Join(err, o.From.Close())
		}
	}
	if err := c.open(o.From); err != nil {
		return err
	}
	if o.Tail >= 0 {
		if err := c.leaveAllBut(ctx, o.Tail); err != nil {
			return err
		}
	}
	if err := c.copy(ctx); err != nil || !o.Follow {
		return err
	}
	return c.follow(ctx, ended, alarm(o.Until))
}

// open opens what there is from a position on.
func (c *copying) open(from *Position) error {
	if from != nil && from.file != nil {
		r := newReader(from.file)
		r.seek(from.offset)
		c.files = append(c.files, r)
	}
	return c.advance()
}

// advance leaves all files but the last, and opens those that have come after
// it. What was added to the last one before is seen now.
func (c *copying) advance() error {
	for len(c.files) > 1 {
		if err := c.files[0].file.Close(); err != nil {
			return err
		}
		c.files = c.files[1:]
	}
	var last *file
	if len(c.files) > 0 {
		last = c.files[0].file
	}
	files, gap, err := newer(c.dir, last)
	for _, f := range files {
		c.files = append(c.files, newReader(f))
	}
	if gap {
		c.gap = fmt.Errorf("follow %s: it was renamed twice before it was read: some of it may be missing", last.Name())
	}
	if last != nil {
		err = errors.Join(err, c.files[0].extend())
	}
	return err
}

// leaveAllBut has all lines left out but the last tail ones. To count them it
// copies all, with everything left out, and goes back.
func (c *copying) leaveAllBut(ctx context.Context, tail int) error {
	begin := make([]int64, len(c.files))
	for i, r := range c.files {
		begin[i] = r.offset
	}
	c.lines.leaveOut(math.MaxInt)
	if err := c.copy(ctx); err != nil {
		return err
	}
	for i, r := range c.files {
		r.seek(begin[i])
	}
	c.damage = nil // it is found again
	c.lines.leaveOut(max(0, math.MaxInt-c.lines.skip-tail))
	return nil
}

// copy copies the files up to where they ended when that was last looked at.
func (c *copying) copy(ctx context.Context) error {
	for _, r := range c.files {
		for ctx.Err() == nil {
			f, err := r.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				c.damage = append(c.damage, err)
				break
			}
			if err := c.lines.write(f); err != nil {
				return err
			}
		}
	}
	if err := c.lines.flush(); err != nil {
		return err
	}
	return ctx.Err()
}

func (c *copying) close() (err error) {
	if c.watch != nil {
		c.watch.close()
	}
	for _, r := range c.files {
		err = errors.Join(err, r.file.Close())
	}
	return err
}
