package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// DefaultStopTimeout is how long a container may take to end by itself; docker's.
const DefaultStopTimeout = 10 * time.Second

// Stop asks the container's process to end, and after timeout makes it. A
// negative timeout is as long as it takes; nil, what was said when it was made. A
// container that does not run is left alone. It does not start again by itself.
func Stop(root, name string, timeout *time.Duration) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("stop %w", err)
	}
	if err := stop(c, timeout); err != nil {
		return fmt.Errorf("stop container %q: %w", name, err)
	}
	return nil
}

func stop(c *container.Container, timeout *time.Duration) error {
	s, err := c.State()
	if err != nil || !s.Active() && !c.Monitored() {
		return err
	}
	limit := DefaultStopTimeout
	if t := c.Settings.Options.StopTimeout; timeout != nil {
		limit = *timeout
	} else if t != nil {
		limit = time.Duration(*t) * time.Second
	}
	ended, err := stopWith(c, c.Settings.StopSignal, false, limit)
	if err != nil || ended {
		return err
	}
	return kill(c)
}

// kill kills the container, and waits until its end is written down.
func kill(c *container.Container) error {
	ended, err := stopWith(c, unix.SIGKILL, true, container.KillTimeout)
	if err == nil && !ended {
		err = fmt.Errorf("its process lives on %v after SIGKILL", container.KillTimeout)
	}
	return err
}

// killCorrupt does so, without waiting, if nobody can read which process it has: its
// watcher is killed, and all in the cgroup that is called like the container.
func killCorrupt(c *container.Container) error {
	err := c.KillMonitor()
	if container.IsCorrupt(err) {
		err = nil // it ends with its container
	}
	if group, ok := container.Cgroups()[c.ID]; ok {
		err = errors.Join(err, cgroup.Remove(group))
	}
	return err
}

// stopWith sends a signal to the container's process, and waits until it has ended
// and that is written down. A process that is being made at this moment gets it as
// soon as it is there.
func stopWith(c *container.Container, sig unix.Signal, all bool, timeout time.Duration) (ended bool, err error) {
	if err := markStopped(c, sig); err != nil {
		return false, err
	}
	for began := time.Now(); ; {
		pidfd, err := signalTask(c, sig, all)
		if err != nil {
			return false, err
		}
		if pidfd >= 0 {
			ended := container.WaitPidfd(pidfd, timeout)
			unix.Close(pidfd)
			if !ended {
				return false, nil
			}
			began = time.Now()
		}
		if err := recoverStopped(c); !errors.Is(err, container.ErrRunning) {
			return true, err
		}
		if time.Since(began) > container.KillTimeout {
			return false, container.ErrBusy
		}
	}
}

// markStopped notes that it is not to begin again, and why it ends: by a link to the
// signal's number, for which there is room on a full disk. If it is one of --rm it may
// be gone already; and somebody who does the same may be faster.
func markStopped(c *container.Container, sig unix.Signal) error {
	number := strconv.Itoa(int(sig))
	part := c.Path(".stopped." + number)
	err := os.Symlink(number, part)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = os.Rename(part, c.Path("stopped"))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// signalTask sends a signal to the container's process, and returns its pidfd for
// the caller to close, or -1 if there is none: then a watcher that is about to
// begin another life is killed. A frozen one is thawed, to take the signal.
func signalTask(c *container.Container, sig unix.Signal, all bool) (pidfd int, err error) {
	task, err := c.Task()
	if err == nil {
		pidfd, err = task.Record.Pidfd()
	}
	if errors.Is(err, state.ErrNotExist) || errors.Is(err, state.ErrNotRunning) {
		return -1, c.CancelRestart()
	}
	if err != nil {
		return -1, err
	}
	err = runtime.Kill(task, sig, all)
	if errors.Is(err, state.ErrNotRunning) {
		err = nil
	}
	if err := errors.Join(err, thaw(task)); err != nil {
		unix.Close(pidfd)
		return -1, err
	}
	return pidfd, nil
}

// recoverStopped sees that the end of the container is written down, and that nobody has
// it any more. The error is ErrRunning if somebody does; that is as it should be
// if it was started again since it was stopped.
func recoverStopped(c *container.Container) error {
	const moment = 20 * time.Millisecond
	err := c.Lock(moment)
	switch {
	case err == nil:
		defer c.Unlock()
		return c.RecoverLocked("")
	case errors.Is(err, container.ErrNotExist), errors.Is(err, container.ErrRunning) && !c.Has("stopped") && c.Has("image"):
		return nil
	}
	return err
}
