package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
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

// thaw lets a container go on if it is paused. That it has ended is no error.
func thaw(task *state.Dir) error {
	err := runtime.Resume(task)
	if errors.Is(err, runtime.ErrNotPaused) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
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

// Kill sends a signal to the container's process. It waits for the end that SIGKILL is.
func Kill(root, name, word string) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("kill %w", err)
	}
	if err := sendNamed(c, word); err != nil {
		return fmt.Errorf("kill container %q: %w", name, err)
	}
	return nil
}

func sendNamed(c *container.Container, word string) error {
	sig, ok := config.ParseSignal(word)
	if !ok {
		return hint.New(fmt.Errorf("signal %q: not known", word), "signal(7) lists them, as in SIGHUP")
	}
	s, err := c.State()
	if err != nil {
		return err
	}
	if sig == unix.SIGKILL && s.Active() || isStopSignal(c, sig) && s.Status == container.Restarting {
		return kill(c)
	}
	return send(c, sig)
}

// isStopSignal tells whether the signal is one by which a container is stopped.
func isStopSignal(c *container.Container, sig unix.Signal) bool {
	return sig == unix.SIGKILL || sig == c.Settings.StopSignal
}

// send sends a signal. Who ends the container by it has stopped it, but nobody does
// by one that is not heard.
func send(c *container.Container, sig unix.Signal) error {
	task, err := activeTask(c)
	if err != nil {
		return err
	}
	if !isStopSignal(c, sig) {
		return runtime.Kill(task, sig, false)
	}
	deaf, err := config.Ignores(task.Record.Pid, sig)
	if err != nil || deaf { // or it has ended
		return errors.Join(err, runtime.Kill(task, sig, false))
	}
	if err := markStopped(c, sig); err != nil {
		return err
	}
	return errors.Join(runtime.Kill(task, sig, false), thaw(task))
}

// activeTask is the container's life, if it has a process.
func activeTask(c *container.Container) (*state.Dir, error) {
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if !s.Active() {
		return nil, hint.New(container.ErrNotRunning, "minictr start "+c.Name+" starts it")
	}
	return c.Task()
}

// Pause freezes a container's processes (cgroups(7), cgroup.freeze).
func Pause(root, name string) error {
	return setFrozen(root, name, "pause", runningTask, runtime.Pause)
}

// Unpause lets them go on.
func Unpause(root, name string) error {
	return setFrozen(root, name, "unpause", activeTask, runtime.Resume)
}

func setFrozen(root, name, verb string, look func(*container.Container) (*state.Dir, error), act func(*state.Dir) error) error {
	c, err := container.Find(root, name)
	if err != nil {
		return fmt.Errorf("%s %w", verb, err)
	}
	task, err := look(c)
	if err == nil {
		err = act(task)
	}
	if err != nil {
		return fmt.Errorf("%s container %q: %w", verb, name, err)
	}
	return nil
}

// Wait waits until a container's present life has ended, and returns its exit
// code; that of the last one, if it does not run.
func Wait(root, name string) (code int, err error) {
	c, err := container.Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("wait for %w", err)
	}
	exit, err := c.WaitExit()
	if err != nil {
		return 0, fmt.Errorf("wait for container %q: %w", name, err)
	}
	return exit.ExitCode, nil
}
