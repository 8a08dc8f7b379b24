package lifecycle

// The monitor takes no requests. A signal goes to the process that the task records, by a
// pidfd, after the file container.StoppedFile is made. The parent of that process, a
// monitor or a command in the foreground, records the exit like any other.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// DefaultStopTimeout is how long a container may take to exit after its stop signal;
// docker's.
const DefaultStopTimeout = 10 * time.Second

// StopOptions replace what the container was created with.
type StopOptions struct {
	Signal  string         // a name or number of signal(7), "" for the container's stop signal
	Timeout *time.Duration // from the signal to SIGKILL; negative: none; nil: the container's
	Service bool           // the machine is shut down (container.ForShutdown)
}

// Stop sends the stop signal, and after the timeout SIGKILL. A container that does not
// run is left alone; one that waits for a restart is not restarted.
func Stop(root, name string, o StopOptions) error {
	return withContainer(root, name, "stop", func(c *container.Container) error { return stop(c, o) })
}

func stop(c *container.Container, o StopOptions) error {
	sig := c.Settings.StopSignal
	if o.Signal != "" {
		var err error
		if sig, err = config.ParseSignal(o.Signal); err != nil {
			return err
		}
	}
	s, err := c.State()
	if err != nil || !s.Active() && !c.Monitored() {
		return err
	}
	limit := DefaultStopTimeout
	if t := c.Settings.Options.StopTimeout; o.Timeout != nil {
		limit = *o.Timeout
	} else if t != nil {
		limit = time.Duration(*t) * time.Second
	}
	how := stopping{sig: sig, timeout: limit, shutdown: o.Service}
	exited, err := stopWith(c, how)
	if err == nil && !exited {
		err = killWith(c, how)
	}
	if err == nil && s.Active() {
		c.Event("stop")
	}
	return err
}

// stopping is how a container is stopped.
type stopping struct {
	sig      unix.Signal
	all      bool          // signal all its processes
	timeout  time.Duration // to wait for its exit
	shutdown bool          // of the machine
}

// kill kills all processes of the container, and waits until its exit is recorded.
func kill(c *container.Container) error { return killWith(c, stopping{}) }

func killWith(c *container.Container, how stopping) error {
	how.sig, how.all, how.timeout = unix.SIGKILL, true, container.KillTimeout
	exited, err := stopWith(c, how)
	if err == nil && !exited {
		err = fmt.Errorf("process still exists %v after SIGKILL", container.KillTimeout)
	}
	return err
}

// killCorrupt kills a container whose files do not tell its process: its monitor, and
// all processes in the cgroup that has its ID. It does not wait.
func killCorrupt(c *container.Container) error {
	err := c.KillMonitor()
	if container.IsCorrupt(err) {
		err = nil // the monitor exits with its container
	}
	if group, ok := container.Cgroups()[c.ID]; ok {
		err = errors.Join(err, cgroup.Remove(group))
	}
	return err
}

// stopWith sends a signal to the container's process, or to all of them, and waits until
// it exits and its exit is recorded. A process that is being created gets the signal
// once it exists. The result is false if the process has not exited after timeout.
func stopWith(c *container.Container, how stopping) (exited bool, err error) {
	if err := markStopped(c, how.sig, how.shutdown); err != nil {
		return false, err
	}
	for began := time.Now(); ; {
		// signal the process, and wait for it
		pidfd, err := signalTask(c, how.sig, how.all)
		if err != nil {
			return false, err
		}
		if pidfd >= 0 {
			exited := container.WaitPidfd(pidfd, how.timeout)
			unix.Close(pidfd)
			if !exited {
				return false, nil
			}
			began = time.Now()
		}
		// wait for the process that holds the lock, which records the exit
		if err := recoverStopped(c); !errors.Is(err, container.ErrRunning) {
			return true, err
		}
		if time.Since(began) > container.KillTimeout {
			return false, container.ErrBusy
		}
	}
}

// markStopped makes the file container.StoppedFile. Symbolic link and rename need no
// free block on a full disk. A container of --rm may be removed meanwhile, and another
// command may do the same.
func markStopped(c *container.Container, sig unix.Signal, shutdown bool) error {
	text := strconv.Itoa(int(sig))
	if shutdown {
		text += container.ForShutdown
	}
	scratch := c.Path(".stopped." + text)
	err := os.Symlink(text, scratch)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = os.Rename(scratch, c.Path(container.StoppedFile))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// signalTask sends a signal to the container's process, and resumes it if it is frozen,
// to handle the signal. It returns a pidfd, which the caller closes. If there is no
// process it returns -1, and kills a monitor that waits before a restart.
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
	c.KillEvent(sig)
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

// recoverStopped waits until the lock of a stopped container is free, and recovers it.
// The error is ErrRunning while another process holds the lock, unless the container was
// started again.
func recoverStopped(c *container.Container) error {
	err := c.Lock(20 * time.Millisecond)
	switch {
	case err == nil:
		defer c.Unlock()
		return c.RecoverLocked()
	case errors.Is(err, container.ErrNotExist):
		return nil
	case errors.Is(err, container.ErrRunning) && !c.Has(container.StoppedFile) && c.Has("image"):
		return nil
	}
	return err
}
