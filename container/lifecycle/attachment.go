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
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/container/monitor"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/signals"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/moby/term"
	"golang.org/x/sys/unix"
)

// attachment connects this command's streams with a container. Its output is read from
// the log; its input, or its terminal, is a descriptor of the container or its monitor.
type attachment struct {
	*container.Container
	o         *AttachOptions
	keys      []byte         // that detach
	waiters   *os.File       // shared lock of the commands that wait for the exit
	from      *logs.Position // where in the log to begin
	terminal  *os.File       // the host end of the container's terminal, nil for none
	input     *os.File       // taken from the monitor of a running container, nil for none
	inherited *stdio.Input   // standard input that the container was started with, but for a pipe
}

func newAttachment(c *container.Container, o *AttachOptions) (*attachment, error) {
	a := &attachment{Container: c, o: o}
	var err error
	if a.keys, err = term.ToBytes(cmp.Or(o.Keys, defaultKeys)); err != nil {
		return nil, hint.New(fmt.Errorf("--detach-keys %q: not a list of keys", o.Keys),
			"write letters or ctrl-LETTER, separated by commas: ctrl-p,ctrl-q")
	}
	if c.Settings.Options.LogDriver == config.LogNone {
		return nil, hint.New(errors.New("container keeps no log, from which its output is read"),
			"create it without --log-driver none")
	}
	if c.Settings.Options.TTY && a.forwardsInput() && !stdio.IsTerminal(os.Stdin) {
		return nil, hint.New(errors.New("container has a terminal, standard input is not one"),
			"attach without input: minictr attach --no-stdin, or start -a")
	}
	if a.waiters, err = c.LockWaiters(); err != nil {
		return nil, err
	}
	if a.from, err = logs.End(c.Dir); err != nil {
		return nil, errors.Join(err, a.waiters.Close())
	}
	return a, nil
}

// forwardsInput reports whether the container reads this command's standard input.
func (a *attachment) forwardsInput() bool { return a.o.Stdin && a.Settings.Options.Interactive }

func (a *attachment) close() {
	for _, f := range []*os.File{a.waiters, a.terminal, a.input} {
		if f != nil {
			f.Close()
		}
	}
	a.from.Close()
}

// openInput returns the standard input of a container that is to be started, nil for
// that of its settings. A pipe is inherited as it is.
func (a *attachment) openInput() (stdin *os.File, err error) {
	switch {
	case !a.o.Stdin || a.Settings.Options.TTY:
		return nil, nil
	case stdio.Passes(os.Stdin):
		return os.Stdin, nil
	}
	if a.inherited, err = stdio.NewInput(os.Stdin); err != nil {
		return nil, err
	}
	return a.inherited.ContainerEnd, nil
}

// takeStreams takes the host ends of the container's terminal or standard input from its
// monitor.
func (a *attachment) takeStreams() error {
	// only a detached container has a monitor
	_, pidfd, err := a.Monitor()
	if errors.Is(err, state.ErrNotRunning) {
		return hint.New(errors.New("container runs in the foreground"), "use the streams of the command that runs it")
	}
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if a.Settings.Options.TTY {
		a.terminal, err = takeFile(pidfd, monitor.OutputFD, "terminal")
		return err
	}
	if !a.forwardsInput() {
		return nil
	}
	a.input, err = takeFile(pidfd, monitor.InputFD, "standard input")
	if errors.Is(err, unix.EBADF) {
		err = hint.New(errors.New("container was started with another standard input"),
			"attach without input: minictr attach --no-stdin "+a.Name)
	}
	return err
}

// takeFile duplicates a descriptor of another process (pidfd_getfd(2)). The file status
// flags, as O_NONBLOCK, are shared with it.
func takeFile(pidfd, number int, name string) (*os.File, error) {
	fd, err := unix.PidfdGetfd(pidfd, number, 0)
	if err != nil {
		return nil, fmt.Errorf("pidfd_getfd %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// run copies until the container exits, the user detaches, or a signal ends this command.
func (a *attachment) run() (code int, err error) {
	// connect signals, terminal and input
	ctx, detach := context.WithCancelCause(context.Background())
	defer detach(nil)
	a.catchSignals(detach)
	reset, err := a.openTerminal()
	if err != nil {
		return 0, err
	}
	defer reset()
	if a.inherited != nil {
		a.inherited.Start()
	}
	go a.copyInput(detach)
	// copy the output
	pending := a.PendingExit()
	o := logs.Options{Follow: true, Tail: -1, From: a.from}
	a.from = nil
	err = logs.Copy(ctx, a.Dir, o, pending.Done, os.Stdout, os.Stderr)
	switch {
	case ctx.Err() != nil:
		if err := context.Cause(ctx); !errors.Is(err, ErrDetached) {
			return 0, err
		}
		a.Event("detach")
		return 0, ErrDetached
	case errors.Is(err, unix.EPIPE):
		return 0, detachedBy("standard output is closed", unix.SIGPIPE)
	case err != nil:
		return 0, err
	}
	// return its exit code
	exit, err := pending.Wait()
	if err == nil && a.inherited != nil {
		err = a.inherited.Finish()
	}
	if err != nil {
		return 0, err
	}
	return exit.ExitCode, nil
}

// openTerminal makes this command's terminal raw if its input goes to the container's
// terminal, and has that one redrawn.
func (a *attachment) openTerminal() (reset func() error, err error) {
	reset = func() error { return nil }
	if a.terminal == nil {
		return reset, nil
	}
	if a.forwardsInput() {
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

// copyInput copies standard input to the container. The end of either does not detach.
func (a *attachment) copyInput(detach context.CancelCauseFunc) {
	switch {
	case !a.forwardsInput():
	case a.terminal != nil:
		_, err := io.Copy(a.terminal, term.NewEscapeProxy(os.Stdin, a.keys))
		if errors.Is(err, ErrDetached) {
			detach(ErrDetached)
		}
	case a.input != nil:
		io.Copy(a.input, os.Stdin)
		a.input.Close()
	}
}

// catchSignals catches the signals that are for the container or its terminal. Others
// have their default action.
func (a *attachment) catchSignals(detach context.CancelCauseFunc) {
	caught := make(chan os.Signal, 128)
	switch {
	case a.terminal != nil:
		signal.Notify(caught, unix.SIGWINCH, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGPIPE)
	case a.o.SigProxy:
		signal.Notify(caught)
	}
	go func() {
		for s := range caught {
			a.handle(s.(unix.Signal), detach)
		}
	}()
}

// handle handles a signal. SIGCHLD and SIGPIPE come from the kernel, SIGURG from Go's
// scheduler: they are for this command.
func (a *attachment) handle(sig unix.Signal, detach context.CancelCauseFunc) {
	switch {
	case sig == unix.SIGCHLD || sig == unix.SIGURG || sig == unix.SIGPIPE:
	case sig == unix.SIGWINCH:
		if a.terminal != nil {
			stdio.Resize(a.terminal)
		}
	case a.terminal != nil:
		detach(detachedBy("signal "+signals.Name(sig), sig))
	default:
		send(a.Container, sig) // an error: the container has exited
	}
}

// detachedBy says why this command ends before the container. Its exit code is that of a
// process that the signal killed.
func detachedBy(cause string, sig unix.Signal) error {
	err := errors.New(cause + ": detached, the container keeps running")
	return &container.ExitError{Err: err, Code: 128 + int(sig)}
}
