package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/moby/term"
	"golang.org/x/sys/unix"
)

// attachment is one of us, and a container.
type attachment struct {
	*container.Container
	o        *AttachOptions
	keys     []byte
	lock     *os.File       // of who waits for the container's end
	from     *logs.Position // where in the log we begin
	terminal *os.File       // the container's, our side; nil for none
	own      *stdio.Input   // what it reads of ours since it began, but for a pipe
	input    *os.File       // what it reads, as it ran already; nil if we have nothing to do with it
}

func newAttachment(c *container.Container, o *AttachOptions) (*attachment, error) {
	a := &attachment{Container: c, o: o}
	var err error
	if a.keys, err = term.ToBytes(cmp.Or(o.Keys, defaultKeys)); err != nil {
		return nil, hint.New(fmt.Errorf("--detach-keys %q: not keys", o.Keys), "write letters or ctrl-LETTER, with commas in between: ctrl-p,ctrl-q")
	}
	if c.Settings.Options.TTY && reads(c, o) && !stdio.IsTerminal(os.Stdin) {
		return nil, hint.New(errors.New("it has a terminal, and standard input is none"), "leave standard input out: attach --no-stdin, start -a")
	}
	if a.lock, err = c.LockWaiters(); err != nil {
		return nil, err
	}
	if a.from, err = logs.End(c.Dir); err != nil {
		return nil, errors.Join(err, a.lock.Close())
	}
	return a, nil
}

// reads tells whether the container is to read our standard input.
func reads(c *container.Container, o *AttachOptions) bool {
	return o.Stdin && c.Settings.Options.Interactive
}

func (a *attachment) close() {
	for _, f := range []*os.File{a.lock, a.terminal, a.input} {
		if f != nil {
			f.Close()
		}
	}
	a.from.Close()
}

// ownInput is what a container that is to be started reads, nil for what its
// settings say.
func (a *attachment) ownInput() (stdin *os.File, err error) {
	switch {
	case !a.o.Stdin || a.Settings.Options.TTY:
		return nil, nil
	case stdio.Passes(os.Stdin):
		return os.Stdin, nil
	}
	if a.own, err = stdio.NewInput(os.Stdin); err != nil {
		return nil, err
	}
	return a.own.ContainerEnd, nil
}

// takeStreams takes what the container reads from its watcher.
func (a *attachment) takeStreams() error {
	_, monitorFD, err := a.Monitor()
	if errors.Is(err, state.ErrNotRunning) {
		return hint.New(errors.New("it runs in the foreground"), "its streams are those of the command that runs it")
	}
	if err != nil {
		return err
	}
	defer unix.Close(monitorFD)
	if a.Settings.Options.TTY {
		a.terminal, err = getFD(monitorFD, monitor.OutputFD, "terminal")
		return err
	}
	if !reads(a.Container, a.o) {
		return nil
	}
	a.input, err = getFD(monitorFD, monitor.InputFD, "standard input")
	if errors.Is(err, unix.EBADF) {
		err = hint.New(errors.New("it reads what it was started with"), "hear it alone: attach --no-stdin")
	}
	return err
}

// Take takes a copy of a process's descriptor. What it says about the file that is
// open there, as that nobody waits for it (O_NONBLOCK), is true of both.
func getFD(process, number int, name string) (*os.File, error) {
	fd, err := unix.PidfdGetfd(process, number, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_getfd its %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// wait copies until the container has ended, or we leave.
func (a *attachment) run() (code int, err error) {
	ctx, leave := context.WithCancelCause(context.Background())
	defer leave(nil)
	a.catchSignals(leave)
	reset, err := a.openTerminal()
	if err != nil {
		return 0, err
	}
	defer reset()
	if a.own != nil {
		a.own.Start()
	}
	go a.copyInput(leave)
	pending := a.PendingExit()
	o := logs.Options{Follow: true, Tail: -1, From: a.from}
	a.from = nil
	err = logs.Copy(ctx, a.Dir, o, pending.Done, os.Stdout, os.Stderr)
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case errors.Is(err, unix.EPIPE):
		return 0, goesOn("nobody reads what it says", unix.SIGPIPE)
	case err != nil:
		return 0, err
	}
	exit, err := pending.Wait()
	if err == nil && a.own != nil {
		err = a.own.Finish()
	}
	if err != nil {
		return 0, err
	}
	return exit.ExitCode, nil
}

// openTerminal connects our terminal and the container's, if there is one.
func (a *attachment) openTerminal() (reset func() error, err error) {
	reset = func() error { return nil }
	if a.terminal == nil {
		return reset, nil
	}
	if reads(a.Container, a.o) {
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
	case !reads(a.Container, a.o):
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
		leave(goesOn("signal "+unix.SignalName(sig), sig))
	default:
		send(a.Container, sig) // it may have ended
	}
}

// goesOn is why we end before the container does, with the code that the signal
// has.
func goesOn(why string, sig unix.Signal) error {
	return &container.ExitError{Err: errors.New(why + ": it goes on without us"), Code: 128 + int(sig)}
}
