package logs

// A folder in which files grow and are renamed, as inotify(7) sees it. What has
// happened is not asked: whoever is woken looks for himself.

import (
	"fmt"
	"os"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

type watch struct {
	inotify *os.File
	changed chan error // nil: something has changed since it was last received
}

func watchFolder(dir string) (*watch, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, hint.New(fmt.Errorf("inotify_init1: %w", err),
			"the kernel allows each user few of them; allow more with: sysctl fs.inotify.max_user_instances=1024")
	}
	w := &watch{os.NewFile(uintptr(fd), "inotify of "+dir), make(chan error, 1)}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		w.close()
		return nil, fmt.Errorf("inotify_add_watch %s: %w", dir, err)
	}
	go w.read()
	return w, nil
}

// read ends when the watch is closed.
func (w *watch) read() {
	var events [4096]byte
	for {
		_, err := w.inotify.Read(events[:])
		select {
		case w.changed <- err:
		default: // nobody has looked since the last one
		}
		if err != nil {
			return
		}
	}
}

func (w *watch) close() { w.inotify.Close() }
