package logs

import (
	"context"
	"time"
)

// follow copies what is written, until the container has exited, until, or ctx.
func (c *copier) follow(ctx context.Context, ended <-chan struct{}, until <-chan time.Time) error {
	for last := false; !last; {
		if n := len(c.files); n > 0 && c.files[n-1].broken {
			return nil
		}
		select {
		case _, open := <-c.watch.Changed:
			if !open {
				return c.watch.Err()
			}
		case <-ended:
			last = true
		case <-until:
			last = true
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := c.advance(); err != nil {
			return err
		}
		if err := c.copy(ctx); err != nil {
			return err
		}
	}
	return nil
}

// timer returns a channel that receives at t, or nil for never.
func timer(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return time.After(time.Until(t))
}
