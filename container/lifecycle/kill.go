package lifecycle

import (
	"errors"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Kill sends a signal, by name or number, to the container's process. After SIGKILL it
// waits for the exit.
func Kill(root, name, signal string) error {
	return withContainer(root, name, "kill", func(c *container.Container) error {
		sig, err := config.ParseSignal(signal)
		if err != nil {
			return err
		}
		s, err := c.State()
		if err != nil {
			return err
		}
		if sig == unix.SIGKILL && s.Active() || isStopSignal(c, sig) && s.Status == container.Restarting {
			return kill(c)
		}
		return send(c, sig)
	})
}

// isStopSignal reports whether the signal stops the container, so that its monitor does
// not restart it.
func isStopSignal(c *container.Container, sig unix.Signal) bool {
	return sig == unix.SIGKILL || sig == c.Settings.StopSignal
}

// send sends a signal. A stop signal marks the container as stopped, unless its process
// ignores the signal.
func send(c *container.Container, sig unix.Signal) error {
	task, err := activeTask(c)
	if err != nil {
		return err
	}
	if !isStopSignal(c, sig) {
		return signalProcess(c, task, sig)
	}
	ignored, err := ignores(task.Record.Pid, sig)
	if err != nil || ignored { // an error: it has exited
		return errors.Join(err, signalProcess(c, task, sig))
	}
	if err := markStopped(c, sig, false); err != nil {
		return err
	}
	return errors.Join(signalProcess(c, task, sig), thaw(task))
}

// signalProcess sends a signal to the first process of a task, which runs.
func signalProcess(c *container.Container, task *state.Dir, sig unix.Signal) error {
	c.KillEvent(sig)
	return runtime.Kill(task, sig, false)
}
