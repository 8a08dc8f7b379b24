package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"golang.org/x/sys/unix"
)

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
