package lifecycle

import (
	"errors"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
)

// Run runs a process in a new container of the image called name, in the
// store at root, and returns its exit code. watch, if any, is told of every
// system call that made it. If the process has run and only something of it
// could not be removed, the error is a [Remains], beside the exit code.
func Run(root, name string, o *config.Options, watch func(*plan.Plan) walk.Trace) (code int, err error) {
	if err := checkTerminal(o); err != nil {
		return 0, err
	}
	if o.Restart != "" && o.Restart != config.RestartNo {
		return 0, hint.New(errors.New("--restart: a container in the foreground ends with its process"), "add -d")
	}
	if o.HealthOptions != (config.HealthOptions{NoHealthcheck: o.NoHealthcheck}) {
		return 0, hint.New(errors.New("--health-…: a container in the foreground has no watcher, who would check it"), "add -d")
	}
	signals := runtime.CatchSignals()
	c, err := create(root, name, o, (*container.Container).MarkRemove)
	if err != nil {
		return 0, err
	}
	process, err := c.start(signals, watch)
	if err != nil {
		return 0, errors.Join(err, discard(c.Container))
	}
	exit, err := c.wait(process)
	if exit == nil {
		return 0, errors.Join(err, c.Unlock())
	}
	left := c.close(process, exit)
	if err == nil && left != nil {
		return exit.ExitCode, &CleanupError{left}
	}
	return exit.ExitCode, errors.Join(err, left)
}

// CleanupError tells what could not be removed after a process had run to its end.
type CleanupError struct{ Err error }

func (r *CleanupError) Error() string { return "clean up: " + r.Err.Error() }
func (r *CleanupError) Unwrap() error { return r.Err }

// runningTask is a container's process, connected to our streams.
type foreground struct {
	*runtime.Process
	streams *stdio.Streams
}

// start starts the container's process, on our streams.
func (c *created) start(signals *runtime.Signals, watch func(*plan.Plan) walk.Trace) (p *foreground, err error) {
	o := &c.Settings.Options
	uid, err := config.HostUID(c.spec)
	if err != nil {
		return nil, err
	}
	streams, err := stdio.Open(o.Interactive, o.TTY, uid)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			streams.Close()
		}
	}()
	t, err := c.CreateOptions(c.host)
	if err != nil {
		return nil, err
	}
	t.Trace = watch
	t.Connect(streams)
	stdio.SetConsoleSize(c.spec.Process)
	signals.Ready()
	process, err := c.CreateTask(c.spec, t)
	if err != nil {
		return nil, err
	}
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return nil, err
	}
	return &foreground{process, streams}, nil
}

// wait waits for the end of the process and of its output. Beside an end, the error
// tells what of the output was lost.
func (c *created) wait(p *foreground) (*container.ExitStatus, error) {
	defer p.streams.Close()
	status, err := p.Status()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	exit := c.NewExitStatus(status)
	return exit, p.streams.Ended()
}

// close writes down how it ended, and removes what is not to stay.
func (c *created) close(p *foreground, exit *container.ExitStatus) error {
	if c.Settings.Options.Remove && !c.Has(container.Waiters) {
		return errors.Join(p.Close(), c.Remove())
	}
	err := errors.Join(c.SaveExitStatus(exit), p.Close(), c.DeleteTask())
	if c.Settings.Options.Remove {
		c.AwaitWaiters()
		return errors.Join(err, c.Remove())
	}
	return errors.Join(err, c.Unlock())
}

// checkTerminal refuses what would look like a terminal and be none.
func checkTerminal(o *config.Options) error {
	if o.TTY && o.Interactive && !stdio.IsTerminal(os.Stdin) {
		return hint.New(errors.New("--tty --interactive: standard input is not a terminal"), "leave out -t")
	}
	return nil
}
