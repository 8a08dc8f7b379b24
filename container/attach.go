package container

// Attach: our streams, and those of a container in the background.
//
// There is nobody to ask for them, no daemon and no socket. The container's watcher
// has the other ends of its streams; of the one that it reads, a pipe or its
// terminal, we take a copy (pidfd_getfd(2)). What it says its watcher writes to the
// log, and there we read it, from the end on. So any number of us may be attached,
// each hears all, and none of it changes when one of us is killed.
//
// With a terminal, keys go through it as they are typed; some of them, in a row,
// mean that we leave. Signals are for a container without one.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/container/watch"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/moby/term"
	"golang.org/x/sys/unix"
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
	c, err := Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("attach to %w", err)
	}
	return c.attach(o)
}

func (c *Container) attach(o *AttachOptions) (code int, err error) {
	a, err := c.newAttachment(o)
	if err == nil {
		defer a.close()
		_, err = c.running()
	}
	if err == nil {
		err = a.takeStreams()
	}
	if err == nil {
		code, err = a.attend()
	}
	if err != nil && !errors.Is(err, ErrDetached) {
		err = fmt.Errorf("attach to container %q: %w", c.Name, err)
	}
	return code, err
}

// StartAttached starts a container, attached to our streams from its first word
// on. A file or a pipe that it is to read is handed over as it is. If it runs we
// are attached to it as it is.
func StartAttached(root, name string, o *AttachOptions) (code int, err error) {
	c, err := Find(root, name)
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
	if s.Lives() {
		return c.attach(o)
	}
	code, err = c.startAttached(o)
	if err != nil && !errors.Is(err, ErrDetached) {
		err = fmt.Errorf("start container %q: %w", name, err)
	}
	return code, err
}

func (c *Container) startAttached(o *AttachOptions) (code int, err error) {
	a, err := c.newAttachment(o)
	if err != nil {
		return 0, err
	}
	defer a.close()
	stdin, err := a.ownInput()
	if err != nil {
		return 0, err
	}
	if err := c.startWatcher(stdin, false); err != nil {
		return 0, err
	}
	if c.Settings.Options.TTY {
		if err := a.takeStreams(); err != nil {
			if s, stateErr := c.State(); stateErr != nil || s.Lives() {
				return 0, errors.Join(err, stateErr)
			}
		}
	}
	return a.attend()
}

// ownInput is what a container that is to be started reads, nil for what its
// settings say. In front of our terminal stands a pipe (package stdio).
func (a *attachment) ownInput() (stdin *os.File, err error) {
	switch {
	case !a.o.Stdin || a.Settings.Options.TTY:
		return nil, nil
	case stdio.IsTerminal(os.Stdin):
		stdin, a.input, err = os.Pipe()
		return stdin, err
	}
	return os.Stdin, nil
}

// attachment is one of us, and a container.
type attachment struct {
	*Container
	o        *AttachOptions
	keys     []byte
	lock     *os.File       // of who waits for the container's end
	from     *logs.Position // where in the log we begin
	terminal *os.File       // the container's, our side; nil for none
	input    *os.File       // what it reads; nil if we have nothing to do with it
}

func (c *Container) newAttachment(o *AttachOptions) (*attachment, error) {
	a := &attachment{Container: c, o: o}
	var err error
	if a.keys, err = term.ToBytes(cmp.Or(o.Keys, defaultKeys)); err != nil {
		return nil, hint.New(fmt.Errorf("--detach-keys %q: not keys", o.Keys), "write letters or ctrl-LETTER, with commas in between: ctrl-p,ctrl-q")
	}
	if c.Settings.Options.TTY && c.reads(o) && !stdio.IsTerminal(os.Stdin) {
		return nil, hint.New(errors.New("it has a terminal, and standard input is none"), "leave standard input out: attach --no-stdin, start -a")
	}
	if a.lock, err = c.shareWaiters(); err != nil {
		return nil, err
	}
	if a.from, err = logs.End(c.dir); err != nil {
		return nil, errors.Join(err, a.lock.Close())
	}
	return a, nil
}

// reads tells whether the container is to read our standard input.
func (c *Container) reads(o *AttachOptions) bool { return o.Stdin && c.Settings.Options.Interactive }

func (a *attachment) close() {
	for _, f := range []*os.File{a.lock, a.terminal, a.input} {
		if f != nil {
			f.Close()
		}
	}
	a.from.Close()
}

// takeStreams takes what the container reads from its watcher.
func (a *attachment) takeStreams() error {
	_, watcher, err := a.watcher()
	if errors.Is(err, state.ErrNotRunning) {
		return hint.New(errors.New("it runs in the foreground"), "its streams are those of the command that runs it")
	}
	if err != nil {
		return err
	}
	defer unix.Close(watcher)
	if a.Settings.Options.TTY {
		a.terminal, err = take(watcher, watch.Output, "terminal")
		return err
	}
	if !a.reads(a.o) {
		return nil
	}
	a.input, err = take(watcher, watch.Input, "standard input")
	if errors.Is(err, unix.EBADF) {
		err = hint.New(errors.New("it reads what it was started with"), "hear it alone: attach --no-stdin")
	}
	return err
}

// take takes a copy of a process's descriptor. What it says about the file that is
// open there, as that nobody waits for it (O_NONBLOCK), is true of both.
func take(process, number int, name string) (*os.File, error) {
	fd, err := unix.PidfdGetfd(process, number, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_getfd its %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// attend copies until the container has ended, or we leave.
func (a *attachment) attend() (code int, err error) {
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	a.catchSignals(leave)
	reset, err := a.openTerminal()
	if err != nil {
		return 0, err
	}
	defer reset()
	go a.copyInput(leave)
	ending := a.ending()
	o := logs.Options{Follow: true, Tail: -1, From: a.from}
	a.from = nil
	err = logs.Copy(ctx, a.dir, o, ending.done, os.Stdout, os.Stderr)
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.Is(err, unix.EPIPE):
		return 0, without("nobody reads what it says", unix.SIGPIPE)
	case err != nil:
		return 0, err
	}
	end, err := ending.wait()
	if err != nil {
		return 0, err
	}
	return end.ExitCode, nil
}

// openTerminal connects our terminal and the container's, if there is one.
func (a *attachment) openTerminal() (reset func() error, err error) {
	reset = func() error { return nil }
	if a.terminal == nil {
		return reset, nil
	}
	if a.reads(a.o) {
		raw, err := stdio.Raw()
		if err != nil {
			return nil, err
		}
		reset = raw.Reset
	}
	if err := stdio.Redraw(a.terminal); err != nil {
		return nil, errors.Join(err, reset())
	}
	return reset, nil
}

// copyInput lets the container read what we do. That one of the two is over is no
// reason to leave.
func (a *attachment) copyInput(leave context.CancelCauseFunc) {
	switch {
	case !a.reads(a.o):
	case a.terminal != nil:
		_, err := io.Copy(a.terminal, term.NewEscapeProxy(os.Stdin, a.keys))
		if errors.Is(err, ErrDetached) {
			leave(ErrDetached)
		}
	case a.input != nil:
		io.Copy(a.input, os.Stdin)
		a.input.Close()
	}
}

// catchSignals catches what may mean the container, or our terminal. What is not
// caught ends us.
func (a *attachment) catchSignals(leave context.CancelCauseFunc) {
	caught := make(chan os.Signal, 128)
	switch {
	case a.terminal != nil:
		signal.Notify(caught, unix.SIGWINCH, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE)
	case a.o.SigProxy:
		signal.Notify(caught)
	}
	go func() {
		for s := range caught {
			a.handle(s.(unix.Signal), leave)
		}
	}()
}

func (a *attachment) handle(sig unix.Signal, leave context.CancelCauseFunc) {
	switch {
	case sig == unix.SIGCHLD || sig == unix.SIGURG || sig == unix.SIGPIPE: // meant for us: by the kernel, by Go
	case sig == unix.SIGWINCH:
		if a.terminal != nil {
			stdio.Resize(a.terminal)
		}
	case a.terminal != nil:
		leave(without("signal "+unix.SignalName(sig), sig))
	default:
		a.send(sig) // it may have ended
	}
}

// without is why we end before the container does, with the code that the signal
// has.
func without(why string, sig unix.Signal) error {
	return &Fault{errors.New(why + ": it goes on without us"), 128 + int(sig)}
}
