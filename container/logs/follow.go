package logs

// The directory of the log is watched with inotify(7) for files that grow. An event does
// not matter for the file it names: each one makes the copier look at all of them.

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// follow copies what is written, until the container has exited, until, or ctx.
func (c *copier) follow(ctx context.Context, ended <-chan struct{}, until <-chan time.Time) error {
	for last := false; !last; {
		if n := len(c.files); n > 0 && c.files[n-1].broken {
			return nil
		}
		select {
		case _, open := <-c.watch.changed:
			if !open {
				return c.watch.err
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

// watch is an inotify watch of a directory.
type watch struct {
	inotify *os.File
	changed chan struct{} // holds one element after a change; closed on err
	err     error
}

func newWatch(dir string) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, hint.New(fmt.Errorf("inotify_init1: %w", err),
			"raise the limit: sysctl fs.inotify.max_user_instances=1024")
	}
	w := &watch{inotify: os.NewFile(uintptr(fd), "inotify of "+dir), changed: make(chan struct{}, 1)}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY); err != nil {
		w.close()
		return nil, fmt.Errorf("inotify_add_watch %s: %w", dir, err)
	}
	go w.read()
	return w, nil
}

// read receives events until the watch is closed.
func (w *watch) read() {
	defer close(w.changed)
	var events [4096]byte
	for {
		if _, w.err = w.inotify.Read(events[:]); w.err != nil {
			return
		}
		select {
		case w.changed <- struct{}{}:
		default: // the last change has not been received yet
		}
	}
}

func (w *watch) close() { w.inotify.Close() }
