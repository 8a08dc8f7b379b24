package logs

// Waiting for more. The folder of the log is watched with inotify(7) for files
// that grow. Which one it was is not asked: whoever is woken looks for himself,
// for a new log too.

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// follow copies what comes, until it is over.
func (c *copier) follow(ctx context.Context, ended <-chan struct{}, until <-chan time.Time) error {
	for over := false; !over; {
		if n := len(c.files); n > 0 && c.files[n-1].broken {
			return nil
		}
		select {
		case _, open := <-c.watch.changed:
			if !open {
				return c.watch.err
			}
		case <-ended:
			over = true
		case <-until:
			over = true
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

// timer is the channel that tells when t has come, or nil for never.
func timer(t time.Time) <-chan time.Time {
	if t.IsZero() {
		return nil
	}
	return time.After(time.Until(t))
}

type watch struct {
	inotify *os.File
	changed chan struct{} // holds one if something has changed since; closed on err
	err     error
}

func newWatch(dir string) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, hint.New(fmt.Errorf("inotify_init1: %w", err),
			"the kernel allows each user few of them; allow more with: sysctl fs.inotify.max_user_instances=1024")
	}
	w := &watch{inotify: os.NewFile(uintptr(fd), "inotify of "+dir), changed: make(chan struct{}, 1)}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY); err != nil {
		w.close()
		return nil, fmt.Errorf("inotify_add_watch %s: %w", dir, err)
	}
	go w.read()
	return w, nil
}

// read ends when the watch is closed.
func (w *watch) read() {
	defer close(w.changed)
	var events [4096]byte
	for {
		if _, w.err = w.inotify.Read(events[:]); w.err != nil {
			return
		}
		select {
		case w.changed <- struct{}{}:
		default: // nobody has looked since the last one
		}
	}
}

func (w *watch) close() { w.inotify.Close() }
