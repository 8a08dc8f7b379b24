package container

// From without: signals, the freezer, and waiting for the end. All of it goes to
// the process that a life has recorded, by a pidfd, whoever watches over it.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

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
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("stop %w", err)
	}
	if err := c.stop(timeout); err != nil {
		return fmt.Errorf("stop container %q: %w", name, err)
	}
	return nil
}

func (c *Container) stop(timeout *time.Duration) error {
	s, err := c.State()
	if err != nil || !s.Lives() && !c.watched() {
		return err
	}
	if timeout == nil {
		patience := DefaultStopTimeout
		if t := c.Settings.Options.StopTimeout; t != nil {
			patience = time.Duration(*t) * time.Second
		}
		timeout = &patience
	}
	ended, err := c.endBy(c.Settings.StopSignal, false, *timeout)
	if err != nil || ended {
		return err
	}
	return c.end()
}

// end kills the container, and waits until its end is written down.
func (c *Container) end() error {
	ended, err := c.endBy(unix.SIGKILL, true, lethal)
	if err == nil && !ended {
		err = fmt.Errorf("its process lives on %v after SIGKILL", lethal)
	}
	return err
}

// endUnread does so, without waiting, if nobody can read which process it has: its
// watcher is killed, and all in the cgroup that is called like the container.
func (c *Container) endUnread() error {
	err := c.killWatcher()
	if isTorn(err) {
		err = nil // it ends with its container
	}
	if group, ok := listCgroups()[c.ID]; ok {
		err = errors.Join(err, cgroup.Remove(group))
	}
	return err
}

// lethal is how long a process may take to die; one that waits for a disk cannot.
const lethal = 10 * time.Second

// endBy sends a signal to the container's process, and waits until it has ended
// and that is written down. A process that is being made at this moment gets it as
// soon as it is there.
func (c *Container) endBy(sig unix.Signal, all bool, patience time.Duration) (ended bool, err error) {
	if err := c.markStopped(sig); err != nil {
		return false, err
	}
	for began := time.Now(); ; {
		pidfd, err := c.signal(sig, all)
		if err != nil {
			return false, err
		}
		if pidfd >= 0 {
			ended := await(pidfd, patience)
			unix.Close(pidfd)
			if !ended {
				return false, nil
			}
			began = time.Now()
		}
		if err := c.settled(); !errors.Is(err, errRunning) {
			return true, err
		}
		if time.Since(began) > lethal {
			return false, errBusy
		}
	}
}

// markStopped notes that it is not to begin again, and why it ends: by a link to the
// signal's number, for which there is room on a full disk. If it is one of --rm it may
// be gone already; and somebody who does the same may be faster.
func (c *Container) markStopped(sig unix.Signal) error {
	number := strconv.Itoa(int(sig))
	part := c.path(".stopped." + number)
	err := os.Symlink(number, part)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = os.Rename(part, c.path("stopped"))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// asked is the signal by which somebody has stopped it, 0 if nobody has.
func (c *Container) asked() unix.Signal {
	number, err := os.Readlink(c.path("stopped"))
	if err != nil {
		return 0
	}
	sig, err := strconv.Atoi(number)
	if err != nil {
		return unix.SIGKILL
	}
	return unix.Signal(sig)
}

// signal sends a signal to the container's process, and returns its pidfd for
// the caller to close, or -1 if there is none: then a watcher that is about to
// begin another life is killed. A frozen one is thawed, to take the signal.
func (c *Container) signal(sig unix.Signal, all bool) (pidfd int, err error) {
	life, err := c.life()
	if err == nil {
		pidfd, err = life.Record.Pidfd()
	}
	if errors.Is(err, state.ErrNotExist) || errors.Is(err, state.ErrNotRunning) {
		return -1, c.wake()
	}
	if err != nil {
		return -1, err
	}
	err = runtime.Kill(life, sig, all)
	if errors.Is(err, state.ErrNotRunning) {
		err = nil
	}
	if err := errors.Join(err, thaw(life)); err != nil {
		unix.Close(pidfd)
		return -1, err
	}
	return pidfd, nil
}

// thaw lets a container go on if it is paused. That it has ended is no error.
func thaw(life *state.Folder) error {
	err := runtime.Resume(life)
	if errors.Is(err, runtime.ErrNotPaused) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	return err
}

// wake ends a watcher that waits to begin again.
func (c *Container) wake() error {
	if !c.has("sleeps") {
		return nil
	}
	return c.killWatcher()
}

// killWatcher kills the watcher, if there is one.
func (c *Container) killWatcher() error {
	_, pidfd, err := c.watcher()
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

// await waits until a process has ended, or for so long; forever if that is
// negative.
func await(pidfd int, patience time.Duration) bool {
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

// settled sees that the end of the container is written down, and that nobody has
// it any more. The error is errRunning if somebody does; that is as it should be
// if it was started again since it was stopped.
func (c *Container) settled() error {
	const moment = 20 * time.Millisecond
	err := c.take(moment)
	switch {
	case err == nil:
		defer c.unlock()
		return c.settleHeld("")
	case errors.Is(err, errNotExist), errors.Is(err, errRunning) && !c.has("stopped") && c.has("image"):
		return nil
	}
	return err
}

// Kill sends a signal to the container's process. It waits for the end that SIGKILL is.
func Kill(root, name, word string) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("kill %w", err)
	}
	if err := c.kill(word); err != nil {
		return fmt.Errorf("kill container %q: %w", name, err)
	}
	return nil
}

func (c *Container) kill(word string) error {
	sig, ok := parseSignal(word)
	if !ok {
		return hint.New(fmt.Errorf("signal %q: not known", word), "signal(7) lists them, as in SIGHUP")
	}
	s, err := c.State()
	if err != nil {
		return err
	}
	if sig == unix.SIGKILL && s.Lives() || c.isEnd(sig) && s.Status == Restarting {
		return c.end()
	}
	return c.send(sig)
}

// isEnd tells whether the signal is one by which a container is stopped.
func (c *Container) isEnd(sig unix.Signal) bool {
	return sig == unix.SIGKILL || sig == c.Settings.StopSignal
}

// send sends a signal. Who ends the container by it has stopped it, but nobody does
// by one that is not heard.
func (c *Container) send(sig unix.Signal) error {
	life, err := c.living()
	if err != nil {
		return err
	}
	if !c.isEnd(sig) {
		return runtime.Kill(life, sig, false)
	}
	deaf, err := ignores(life.Record.Pid, sig)
	if err != nil || deaf { // or it has ended
		return errors.Join(err, runtime.Kill(life, sig, false))
	}
	if err := c.markStopped(sig); err != nil {
		return err
	}
	return errors.Join(runtime.Kill(life, sig, false), thaw(life))
}

// living is the container's life, if it has a process.
func (c *Container) living() (*state.Folder, error) {
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if !s.Lives() {
		return nil, hint.New(errNotRunning, "minictr start "+c.Name+" starts it")
	}
	return c.life()
}

// Pause freezes a container's processes (cgroups(7), cgroup.freeze).
func Pause(root, name string) error {
	return freezer(root, name, "pause", (*Container).running, runtime.Pause)
}

// Unpause lets them go on.
func Unpause(root, name string) error {
	return freezer(root, name, "unpause", (*Container).living, runtime.Resume)
}

func freezer(root, name, verb string, look func(*Container) (*state.Folder, error), act func(*state.Folder) error) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("%s %w", verb, err)
	}
	life, err := look(c)
	if err == nil {
		err = act(life)
	}
	if err != nil {
		return fmt.Errorf("%s container %q: %w", verb, name, err)
	}
	return nil
}

// Wait waits until a container's present life has ended, and returns its exit
// code; that of the last one, if it does not run.
func Wait(root, name string) (code int, err error) {
	c, err := Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("wait for %w", err)
	}
	end, err := c.Await()
	if err != nil {
		return 0, fmt.Errorf("wait for container %q: %w", name, err)
	}
	return end.ExitCode, nil
}
