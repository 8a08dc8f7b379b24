package lifecycle

// There is no daemon and no socket to attach to. The container's monitor has the host ends
// of its streams: a command that attaches duplicates the descriptor of the terminal or of
// standard input (pidfd_getfd(2)), and reads the output from the log, from its present end
// on. So any number of commands may be attached; each gets all output, and the container
// keeps running when one of them is killed.
//
// At a terminal the keys go to the container as they are typed, but for the sequence that
// detaches. Signals are sent on only to a container without a terminal.

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
	"github.com/moby/term"
)

// AttachOptions are the options of Attach and StartAttached.
type AttachOptions struct {
	Stdin    bool   // copy standard input to the container, if it was created with -i
	Keys     string // that detach, as in "ctrl-p,ctrl-q"; "" for that default
	SigProxy bool   // send received signals to a container without a terminal
}

const defaultKeys = "ctrl-p,ctrl-q"

// ErrDetached says that the user typed the keys that detach.
var ErrDetached = term.EscapeError{}

// Attach attaches this command's streams to a container until its present task exits,
// and returns its exit code.
func Attach(root, name string, o *AttachOptions) (code int, err error) {
	c, err := container.Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("attach to %w", err)
	}
	return attach(c, o)
}

func attach(c *container.Container, o *AttachOptions) (code int, err error) {
	a, err := newAttachment(c, o)
	if err == nil {
		defer a.close()
		_, err = runningTask(c)
	}
	if err == nil {
		err = a.takeStreams()
	}
	if err == nil {
		c.Event("attach")
		code, err = a.run()
	}
	if err != nil && !errors.Is(err, ErrDetached) {
		err = fmt.Errorf("attach to container %q: %w", c.Name, err)
	}
	return code, err
}

// StartAttached starts a container with this command's streams attached from its first
// byte of output on. If it runs already, or another command starts it at the same time,
// it is as Attach.
func StartAttached(root, name string, o *AttachOptions) (code int, err error) {
	c, err := container.Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("start %w", err)
	}
	s, err := c.State()
	if err != nil {
		return 0, err
	}
	if o.Stdin && !c.Settings.Options.Interactive {
		return 0, hint.New(fmt.Errorf("start container %q --interactive: it was created without -i", name),
			"minictr start -a "+c.Name)
	}
	if s.Active() {
		return attach(c, o)
	}
	code, err = startAndAttach(c, o)
	if err != nil && !errors.Is(err, ErrDetached) {
		err = fmt.Errorf("start container %q: %w", name, err)
	}
	return code, err
}

func startAndAttach(c *container.Container, o *AttachOptions) (code int, err error) {
	if err := checkComplete(c); err != nil {
		return 0, err
	}
	a, err := newAttachment(c, o)
	if err != nil {
		return 0, err
	}
	defer a.close()
	// start it; its end of the input pipe is inherited
	stdin, err := a.openInput()
	if err != nil {
		return 0, err
	}
	c.Event("attach")
	err = monitor.Start(c, stdin, false)
	if a.inherited != nil {
		stdin.Close()
	}
	alreadyStarted := errors.Is(err, container.ErrRunning)
	if alreadyStarted {
		a.inherited = nil // it has the standard input of the other command
	} else if err != nil {
		return 0, err
	}
	// a terminal, and the input of another command, are taken from the monitor
	if alreadyStarted || c.Settings.Options.TTY {
		if err := a.takeStreams(); err != nil {
			if s, stateErr := c.State(); stateErr != nil || s.Active() {
				return 0, errors.Join(err, stateErr)
			}
		}
	}
	return a.run()
}
