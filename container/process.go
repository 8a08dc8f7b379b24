package container

import (
	"errors"
	"io/fs"
	"time"

	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// MonitorFile names, in a container's directory, the file that identifies its monitor.
const MonitorFile = "monitor"

// RestartingFile exists in a container's directory while its monitor waits before a
// restart.
const RestartingFile = "restarting"

// Monitor returns the container's monitor and a pidfd of it, which the caller closes.
// Without a monitor the error is state.ErrNotRunning.
func (c *Container) Monitor() (p state.Process, pidfd int, err error) {
	err = c.ReadJSON(MonitorFile, &p)
	if errors.Is(err, fs.ErrNotExist) {
		err = state.ErrNotRunning
	}
	if err != nil {
		return p, -1, err
	}
	pidfd, err = p.Pidfd()
	return p, pidfd, err
}

// Monitored reports whether the container has a monitor. It has one between an exit
// and a restart, too.
func (c *Container) Monitored() bool {
	_, pidfd, err := c.Monitor()
	return err == nil && unix.Close(pidfd) == nil
}

// KillTimeout is how long a process may take to die; one that waits for a disk cannot.
const KillTimeout = 10 * time.Second

// CancelRestart ends a watcher that waits to begin again.
func (c *Container) CancelRestart() error {
	if !c.Has(RestartingFile) {
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

// WaitPidfd waits until a process has ended, or for so long; forever if that is
// negative.
func WaitPidfd(pidfd int, timeout time.Duration) bool {
	deadline := time.Now().Add(timeout)
	for {
		left := -1
		if timeout >= 0 {
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
