package container

import (
	"errors"
	"io/fs"
	"time"

	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Monitor is the process that watches over the container. The error is
// state.ErrNotRunning without one.
func (c *Container) Monitor() (p state.Process, pidfd int, err error) {
	err = c.Read("watcher", &p)
	if errors.Is(err, fs.ErrNotExist) {
		err = state.ErrNotRunning
	}
	if err != nil {
		return p, -1, err
	}
	pidfd, err = p.Pidfd()
	return p, pidfd, err
}

// Monitored tells whether there is a watcher; it may be between two lives.
func (c *Container) Monitored() bool {
	_, pidfd, err := c.Monitor()
	return err == nil && unix.Close(pidfd) == nil
}

// KillTimeout is how long a process may take to die; one that waits for a disk cannot.
const KillTimeout = 10 * time.Second

// CancelRestart ends a watcher that waits to begin again.
func (c *Container) CancelRestart() error {
	if !c.Has("sleeps") {
		return nil
	}
	return c.KillMonitor()
}

// KillMonitor kills the watcher, if there is one.
func (c *Container) KillMonitor() error {
	_, pidfd, err := c.Monitor()
	if errors.Is(err, state.ErrNotRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	err = unix.PidfdSendSignal(pidfd, unix.SIGKILL, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// AwaitPidfd waits until a process has ended, or for so long; forever if that is
// negative.
func AwaitPidfd(pidfd int, patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		left := -1
		if patience >= 0 {
			left = int(max(0, time.Until(deadline)).Milliseconds())
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, left)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return true
		}
		if err == nil && n == 0 && left >= 0 {
			return false
		}
	}
}
