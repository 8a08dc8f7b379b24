package container

import (
	"errors"
	"io/fs"

	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// MonitorFile names, in a container's directory, the file that identifies its monitor.
const MonitorFile = "monitor"

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

// KillMonitor kills the monitor if there is one.
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
