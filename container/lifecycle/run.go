package lifecycle

// The process of a container in the foreground is a child of the command that runs it, and
// has its streams.
//
//	look up the image, make directory and config  create.go
//	start the process                             container/task.go, package runtime
//	wait for its exit, forward signals            here, runtime/signals.go
//	record the exit, or remove the container      here

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
	"github.com/minictr/minictr/without"
)

// Watch is how the caller of Run takes part in carrying out the plan. Either function may be
// nil.
type Watch struct {
	Trace func(*plan.Plan) walk.Trace // sees every system call
	Stop  func(*walk.Walk) error      // is called before every system call; an error ends the run
}

// Run runs a process in a new container of the image called name, in the store at root,
// and returns its exit code. If the process exited and only something of the container
// could not be removed, the error is a CleanupError beside the exit code.
func Run(root, name string, o *config.Options, by Watch) (code int, err error) {
	// refuse what only a monitor can do
	if err := checkTerminal(o); err != nil {
		return 0, err
	}
	if _, err := o.Attached(); err != nil {
		return 0, err
	}
	if o.Restart != "" && o.Restart != config.RestartNo {
		return 0, hint.New(errors.New("--restart: restarts need a detached container"), "add -d")
	}
	if o.HealthOptions != (config.HealthOptions{NoHealthcheck: o.NoHealthcheck}) {
		return 0, hint.New(errors.New("--health-…: health checks need a detached container"), "add -d")
	}
	// create and start
	signals := runtime.CatchSignals()
	c, err := create(root, name, o, true)
	if err != nil {
		return 0, err
	}
	if without.CopiesImage(o.Without) {
		if err := c.copyImage(); err != nil {
			return 0, errors.Join(err, c.discard())
		}
	}
	c.Event("attach")
	process, err := c.start(signals, by)
	if err != nil {
		return 0, errors.Join(err, c.discard())
	}
	// wait and clean up
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

// CleanupError is what could not be removed after the process exited.
type CleanupError struct{ Err error }

func (e *CleanupError) Error() string { return "clean up: " + e.Err.Error() }

func (e *CleanupError) Unwrap() error { return e.Err }

// foreground is a container's process, connected to this command's streams.
type foreground struct {
	*runtime.Process
	streams *stdio.Streams
}

// start starts the container's process with this command's streams.
func (c *created) start(signals *runtime.Signals, by Watch) (p *foreground, err error) {
	// open the streams, or a terminal
	o := &c.Settings.Options
	uid, err := config.HostUID(c.spec)
	if err != nil {
		return nil, err
	}
	attach, err := o.Attached()
	if err != nil {
		return nil, err
	}
	streams, err := stdio.Open(attach, o.TTY, uid)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			streams.Close()
		}
	}()
	// start the process, and connect it
	t, err := c.CreateOptions(c.host)
	if err != nil {
		return nil, err
	}
	t.Signals, t.Trace, t.Stop, t.Stops = signals, by.Trace, by.Stop, by.Stop != nil
	t.Edit = without.Plan(o.Without, copyDir(c.Dir))
	t.Connect(streams)
	stdio.SetConsoleSize(c.spec.Process)
	process, err := c.CreateTask(c.spec, t)
	if err != nil {
		return nil, err
	}
	c.Event("start")
	if err := process.Attach(streams, attach[0], signals); err != nil {
		return nil, err
	}
	return &foreground{process, streams}, nil
}

// wait waits until the process exits and its output is copied. An error beside an exit
// status says which output was lost.
func (c *created) wait(p *foreground) (*container.ExitStatus, error) {
	defer p.streams.Close()
	status, err := p.Status()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return c.NewExitStatus(status), p.streams.Ended()
}

// close saves the exit status and deletes the task; one of --rm is removed, after the
// commands that wait for its exit have read it.
func (c *created) close(p *foreground, exit *container.ExitStatus) error {
	if c.Settings.Options.Remove && !c.Has(container.Waiters) {
		c.DieEvent(exit)
		if err := p.Close(); err != nil {
			return errors.Join(err, c.Unlock()) // recovery removes the container, and its cgroup with it
		}
		return c.Remove(true)
	}
	err := c.SaveExitStatus(exit)
	c.DieEvent(exit)
	if left := p.Close(); left != nil {
		return errors.Join(err, left, c.Unlock()) // recovery deletes the task, and its cgroup with it
	}
	err = errors.Join(err, c.DeleteTask())
	if c.Settings.Options.Remove {
		c.AwaitWaiters()
		return errors.Join(err, c.Remove(true))
	}
	return errors.Join(err, c.Unlock())
}

// checkTerminal refuses a terminal for the container when standard input is none.
func checkTerminal(o *config.Options) error {
	if o.TTY && o.Interactive && !stdio.IsTerminal(os.Stdin) {
		return hint.New(errors.New("--tty --interactive: standard input is not a terminal"), "leave out -t")
	}
	return nil
}
