package lifecycle

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
	"github.com/moby/term"
)

// AttachOptions say how to be attached.
type AttachOptions struct {
	Stdin    bool   // the container reads our standard input, if it reads any
	Keys     string // to leave by, as in "ctrl-p,ctrl-q", which is the default
	SigProxy bool   // signals that we get go to a container without a terminal
}

const defaultKeys = "ctrl-p,ctrl-q"

// ErrDetached says that somebody has typed the keys to leave by.
var ErrDetached = term.EscapeError{}

// Attach attaches our streams to a container until its present life ends, and
// returns its exit code.
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
		code, err = a.run()
	}
	if err != nil && !errors.Is(err, ErrDetached) {
		err = fmt.Errorf("attach to container %q: %w", c.Name, err)
	}
	return code, err
}

// StartAttached starts a container, attached to our streams from its first word
// on. A pipe that it is to read is handed over as it is. If it runs, or another one
// starts it at this moment, we are attached to it as it is.
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
		return 0, hint.New(fmt.Errorf("start container %q --interactive: it was made without -i, and reads nothing", name), "minictr start -a "+c.Name)
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
	a, err := newAttachment(c, o)
	if err != nil {
		return 0, err
	}
	defer a.close()
	stdin, err := a.ownInput()
	if err != nil {
		return 0, err
	}
	err = monitor.Start(c, stdin, false)
	if a.own != nil {
		stdin.Close() // it is the container's
	}
	alreadyStarted := errors.Is(err, container.ErrRunning)
	if alreadyStarted {
		a.own = nil // it reads what another one has started it with
	} else if err != nil {
		return 0, err
	}
	if alreadyStarted || c.Settings.Options.TTY {
		if err := a.takeStreams(); err != nil {
			if s, stateErr := c.State(); stateErr != nil || s.Active() {
				return 0, errors.Join(err, stateErr)
			}
		}
	}
	return a.run()
}
