package container

// What a container in the background has said lies in its log (package logs),
// which its watcher writes. One in the foreground has none: it has its caller's
// own streams.

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/hint"
)

// Logs writes what a container has said to stdout and stderr. With o.Follow it
// goes on until the container's present life has ended, even if it then begins
// again by itself; so does docker.
func Logs(ctx context.Context, root, name string, o logs.Options, stdout, stderr io.Writer) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("logs of %w", err)
	}
	if err := c.copyLog(ctx, o, stdout, stderr); err != nil {
		return fmt.Errorf("logs of container %q: %w", name, err)
	}
	return nil
}

func (c *Container) copyLog(ctx context.Context, o logs.Options, stdout, stderr io.Writer) error {
	s, err := c.State()
	if err != nil {
		return err
	}
	if c.foreground(&s) {
		return hint.New(errors.New("it ran in the foreground, and has no log"),
			"what it says goes to who ran it; minictr run -d keeps a log")
	}
	if !o.Follow || !s.Lives() {
		o.Follow = false
		return logs.Copy(ctx, c.dir, o, nil, stdout, stderr)
	}
	lock, err := c.shareWaiters()
	if err != nil {
		return err
	}
	defer lock.Close()
	return logs.Copy(ctx, c.dir, o, c.ending().done, stdout, stderr)
}

// foreground tells whether its lives have been in the foreground.
func (c *Container) foreground(s *State) bool {
	if s.Status == Created || c.has("watcher") || c.has(logs.Current) || c.has(logs.Older) {
		return false
	}
	return s.Lives() || s.End != nil && !s.End.Started.IsZero() // it could be started
}

// ending is the end of a container's present life, which is to come. The lock of
// its waiters is the caller's to hold.
type ending struct {
	done chan struct{}
	end  *End // when it is done
	err  error
}

func (c *Container) ending() *ending {
	e := &ending{done: make(chan struct{})}
	go func() {
		e.end, e.err = c.awaitHeld()
		close(e.done)
	}()
	return e
}

// wait waits for it.
func (e *ending) wait() (*End, error) {
	<-e.done
	return e.end, e.err
}
