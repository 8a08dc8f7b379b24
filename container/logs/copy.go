package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
)

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
	c := &copier{dir: dir, lines: newLines(&o, stdout, stderr)}
	err := c.run(ctx, &o, ended)
	return errors.Join(append(c.damage, c.gap, err, c.close())...)
}

type copier struct {
	dir   string
	watch *watch
	files []*reader // oldest first
	lines *lineWriter

	damage []error // of files that could not be read to their ends
	gap    error   // between files
}

func (c *copier) run(ctx context.Context, o *Options, ended <-chan struct{}) (err error) {
	if o.Follow { // watched before the first look, so that nothing comes unseen
		if c.watch, err = newWatch(c.dir); err != nil {
			return errors.Join(err, o.From.Close())
		}
	}
	if err := c.open(o.From); err != nil {
		return err
	}
	if o.Tail >= 0 {
		if err := c.skipToTail(ctx, o.Tail); err != nil {
			return err
		}
	}
	if err := c.copy(ctx); err != nil || !o.Follow {
		return err
	}
	return c.follow(ctx, ended, timer(o.Until))
}

// open opens what there is from a position on.
func (c *copier) open(from *Position) error {
	if from != nil && from.file != nil {
		r := newReader(from.file)
		r.seek(from.offset)
		c.files = append(c.files, r)
	}
	return c.advance()
}

// advance leaves all files but the last, and opens those that have come after
// it. What was added to the last one before is seen now.
func (c *copier) advance() error {
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
	files, gap, err := openNewer(c.dir, last)
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

// skipToTail has all lines left out but the last tail ones. To count them it
// copies all, with everything left out, and goes back.
func (c *copier) skipToTail(ctx context.Context, tail int) error {
	begin := make([]int64, len(c.files))
	for i, r := range c.files {
		begin[i] = r.offset
	}
	c.lines.restart(math.MaxInt)
	if err := c.copy(ctx); err != nil {
		return err
	}
	for i, r := range c.files {
		r.seek(begin[i])
	}
	c.damage = nil // it is found again
	c.lines.restart(max(0, math.MaxInt-c.lines.skip-tail))
	return nil
}

// copy copies the files up to where they ended when that was last looked at.
func (c *copier) copy(ctx context.Context) error {
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

func (c *copier) close() (err error) {
	if c.watch != nil {
		c.watch.close()
	}
	for _, r := range c.files {
		err = errors.Join(err, r.file.Close())
	}
	return err
}
