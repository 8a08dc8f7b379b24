package container

// From without: signals, the freezer, and waiting for the end. All of it goes to
// the process that a life has recorded, by a pidfd, whoever watches over it.

import (
	"errors"
	"fmt"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
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
	if err := c.write("stopped", nil); err != nil {
		return err
	}
	if timeout == nil {
		patience := DefaultStopTimeout
		if t := c.Settings.Options.StopTimeout; t != nil {
			patience = time.Duration(*t) * time.Second
		}
		timeout = &patience
	}
	ended, err := c.signal(c.Settings.StopSignal, false)
	if err != nil {
		return err
	}
	defer unix.Close(ended)
	if ended < 0 || await(ended, *timeout) {
		return c.settled()
	}
	return c.end()
}

// end kills the container, and waits until its end is written down.
func (c *Container) end() error {
	if err := c.write("stopped", nil); err != nil {
		return err
	}
	ended, err := c.signal(unix.SIGKILL, true)
	if err != nil {
		return err
	}
	defer unix.Close(ended)
	if ended >= 0 && !await(ended, lethal) {
		return fmt.Errorf("its process lives on %v after SIGKILL", lethal)
	}
	return c.settled()
}

// lethal is how long a process may take to die; one that waits for a disk cannot.
const lethal = 10 * time.Second

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
	if err == nil {
		err = runtime.Resume(life)
		if !errors.Is(err, unix.ENOENT) { // it was not paused, or has ended
			err = nil
		}
	}
	return pidfd, err
}

// wake ends a watcher that waits to begin again.
func (c *Container) wake() error {
	if !c.has("sleeps") {
		return nil
	}
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

// settled waits until whoever watches over the container has written down its
// end and let go of it.
func (c *Container) settled() error {
	err := c.take(lethal)
	if errors.Is(err, errNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("its watcher does not end: %w", err)
	}
	defer c.unlock()
	return c.settleHeld("")
}

// Kill sends a signal to the container's process.
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
	return c.send(sig)
}

// send sends a signal. Who ends the container by it has stopped it.
func (c *Container) send(sig unix.Signal) error {
	life, err := c.living()
	if err != nil {
		return err
	}
	if sig == unix.SIGKILL || sig == c.Settings.StopSignal {
		if err := c.write("stopped", nil); err != nil {
			return err
		}
	}
	if err := runtime.Kill(life, sig, false); err != nil || sig != unix.SIGKILL {
		return err
	}
	return nil
}

// living is the container's life, if it has a process.
func (c *Container) living() (*state.Folder, error) {
	s, err := c.State()
	if err != nil {
		return nil, err
	}
	if !s.Lives() {
		return nil, hint.New(errors.New("it is not running"), "minictr start "+c.Name+" starts it")
	}
	return c.life()
}

// Pause freezes a container's processes (cgroups(7), cgroup.freeze).
func Pause(root, name string) error { return freezer(root, name, "pause", runtime.Pause) }

// Unpause lets them go on.
func Unpause(root, name string) error { return freezer(root, name, "unpause", runtime.Resume) }

func freezer(root, name, verb string, act func(*state.Folder) error) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("%s %w", verb, err)
	}
	life, err := c.living()
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
