// Package inotify watches a directory for changes of its files (inotify(7)).
package inotify

import (
	"fmt"
	"os"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// Watch is a watch of a directory. An event does not matter for the file it names: after
// each one the caller looks at all of them.
type Watch struct {
	Changed chan struct{} // holds one element after a change; closed on an error
	inotify *os.File
	err     error
}

// New watches the directory dir until Close, for the events of a mask, as IN_MODIFY.
func New(dir string, mask uint32) (*Watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, hint.New(fmt.Errorf("inotify_init1: %w", err),
			"raise the limit: sysctl fs.inotify.max_user_instances=1024")
	}
	w := &Watch{inotify: os.NewFile(uintptr(fd), "inotify of "+dir), Changed: make(chan struct{}, 1)}
	if _, err := unix.InotifyAddWatch(fd, dir, mask); err != nil {
		w.Close()
		return nil, fmt.Errorf("inotify_add_watch %s: %w", dir, err)
	}
	go w.read()
	return w, nil
}

// read receives events until the watch is closed.
func (w *Watch) read() {
	defer close(w.Changed)
	var events [4096]byte
	for {
		if _, w.err = w.inotify.Read(events[:]); w.err != nil {
			return
		}
		select {
		case w.Changed <- struct{}{}:
		default: // the last change has not been received yet
		}
	}
}

// Err returns the error that closed Changed.
func (w *Watch) Err() error { return w.err }

// Close ends the watch.
func (w *Watch) Close() { w.inotify.Close() }
