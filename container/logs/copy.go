package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/minictr/minictr/internal/inotify"
	"golang.org/x/sys/unix"
)

// Copy writes the log in the directory dir: standard output to stdout and standard error
// to stderr, in order, each frame as it is, without waiting for the end of a line. A nil
// writer leaves its stream out; for a terminal there is printable.Writer.
//
// With o.Follow it returns when ended is closed and all that was written before is read,
// or when ctx is done. Otherwise it returns where the log ended when it was called.
//
// What can be read is written even if there is an error. A file that holds something
// other than frames is read up to there, and is not followed any further. An incomplete
// frame at the end of a file is waited for with o.Follow, and left out otherwise. If the
// log is renamed twice before it is read, the error says that some of it may be missing.
//
// Copy first opens the files that exist, and reads up to where they end then: a container
// that never stops writing does not keep it busy. To follow is to repeat that, up to the
// present end of the last file, and into the files that have come after it.
//
// To find the last lines it reads the files twice, which takes no memory: once to count
// the lines, once to skip all but the last ones.
func Copy(ctx context.Context, dir string, o Options, ended <-chan struct{}, stdout, stderr io.Writer) error {
	c := &copier{dir: dir, lines: newLines(&o, stdout, stderr)}
	err := c.run(ctx, &o, ended)
	return errors.Join(append(c.damage, c.gap, err, c.close())...)
}

// copier is a Copy in progress.
type copier struct {
	dir   string
	watch *inotify.Watch
	files []*reader // oldest first
	lines *lineWriter

	damage []error // files that could not be read to their ends
	gap    error   // between two files
}

func (c *copier) run(ctx context.Context, o *Options, ended <-chan struct{}) (err error) {
	// watch before the first read, so that no write is missed
	if o.Follow {
		if c.watch, err = inotify.New(c.dir, unix.IN_MODIFY); err != nil {
			return errors.Join(err, o.From.Close())
		}
	}
	// what exists now
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
	// what is written later
	return c.follow(ctx, ended, timer(o.Until))
}

// open opens the files from a position on.
func (c *copier) open(from *Position) error {
	if from != nil && from.file != nil {
		r := newReader(from.file)
		r.seek(from.offset)
		c.files = append(c.files, r)
	}
	return c.advance()
}

// advance closes all files but the last, opens those that have come after it, and extends
// the last one to its present end.
func (c *copier) advance() error {
	// close what has been read
	for len(c.files) > 1 {
		if err := c.files[0].file.Close(); err != nil {
			return err
		}
		c.files = c.files[1:]
	}
	// open what is newer
	var last *file
	if len(c.files) > 0 {
		last = c.files[0].file
	}
	files, gap, err := openNewer(c.dir, last)
	for _, f := range files {
		c.files = append(c.files, newReader(f))
	}
	if gap {
		c.gap = fmt.Errorf("follow %s: log was renamed twice before it was read: some of it may be missing",
			last.Name())
	}
	if last != nil {
		err = errors.Join(err, c.files[0].extend())
	}
	return err
}

// skipToTail skips all lines but the last tail ones. To count them it copies all lines
// with every one skipped, and goes back.
func (c *copier) skipToTail(ctx context.Context, tail int) error {
	start := make([]int64, len(c.files))
	for i, r := range c.files {
		start[i] = r.offset
	}
	c.lines.restart(math.MaxInt)
	if err := c.copy(ctx); err != nil {
		return err
	}
	for i, r := range c.files {
		r.seek(start[i])
	}
	c.damage = nil // the second copy finds it again
	c.lines.restart(max(0, math.MaxInt-c.lines.skip-tail))
	return nil
}

// copy copies the files up to their limits.
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
		c.watch.Close()
	}
	for _, r := range c.files {
		err = errors.Join(err, r.file.Close())
	}
	return err
}
