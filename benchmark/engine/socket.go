package engine

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watcher is an inotify(7) descriptor that reports names in a directory.
type watcher struct{ *os.File }

func watch(dir string) (watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return watcher{}, os.NewSyscallError("inotify_init1", err)
	}
	w := watcher{os.NewFile(uintptr(fd), "inotify")}
	if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_MOVED_TO); err != nil {
		w.Close()
		return watcher{}, os.NewSyscallError("inotify_add_watch", err)
	}
	return w, nil
}

// wait returns when a file was renamed to a name in the directory, or ctx ends.
func (w watcher) wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { w.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := w.Read(make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)); err != nil {
		return fmt.Errorf("wait for the workload to listen: %w", err)
	}
	return nil
}
