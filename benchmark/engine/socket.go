package engine

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// socket is the name that the workload gives to its socket, and inside is
// where containers find its folder.
const (
	socket = "socket"
	inside = "/answer"
)

// watcher tells when the socket has got its name.
type watcher struct{ *os.File }

func watch(folder string) (watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return watcher{}, os.NewSyscallError("inotify_init1", err)
	}
	w := watcher{os.NewFile(uintptr(fd), "inotify")}
	if _, err := unix.InotifyAddWatch(fd, folder, unix.IN_MOVED_TO); err != nil {
		w.Close()
		return watcher{}, os.NewSyscallError("inotify_add_watch", err)
	}
	return w, nil
}

// wait until the name is there or ctx ends.
func (w watcher) wait(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { w.SetReadDeadline(time.Now()) })
	defer stop()
	_, err := w.Read(make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1))
	if err != nil {
		return fmt.Errorf("wait for the workload to listen: %w", err)
	}
	return nil
}

func askSocket(folder string) (a benchmark.Answer, first time.Time, err error) {
	conn, err := net.Dial("unix", filepath.Join(folder, socket))
	if err != nil {
		return a, first, err
	}
	defer conn.Close()
	return benchmark.Ask(conn)
}
