package container

// Run is the whole of `minictr run` in the foreground: from a name of an image to
// the exit code of a process, which is a child of this command and has its
// streams.
//
//	look up the image, make the container's folder,
//	image and flags to a config                      create.go
//	config to a process                              life.go, package runtime
//	wait, hand on signals                            here
//	remove what is left                              folder.go

import (
	"errors"
	"os"

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
func Run(root, name string, o *Options, watch func(*plan.Plan) walk.Watch) (code int, err error) {
	if err := checkTerminal(o); err != nil {
		return 0, err
	}
	if o.Restart != "" && o.Restart != RestartNo {
		return 0, hint.New(errors.New("--restart: a container in the foreground ends with its process"), "add -d")
	}
	if o.HealthCheck != (HealthCheck{NoHealthcheck: o.NoHealthcheck}) {
		return 0, hint.New(errors.New("--health-…: a container in the foreground has no watcher, who would check it"), "add -d")
	}
	signals := runtime.CatchSignals()
	c, err := create(root, name, o, (*Container).markRemove)
	if err != nil {
		return 0, err
	}
	process, err := c.start(signals, watch)
	if err != nil {
		return 0, errors.Join(err, c.discard())
	}
	end, err := c.attend(process)
	if end == nil {
		return 0, errors.Join(err, c.unlock())
	}
	left := c.close(process, end)
	if err == nil && left != nil {
		return end.ExitCode, &Remains{left}
	}
	return end.ExitCode, errors.Join(err, left)
}

// Remains tells what could not be removed after a process had run to its end.
type Remains struct{ Err error }

func (r *Remains) Error() string { return "clean up: " + r.Err.Error() }
func (r *Remains) Unwrap() error { return r.Err }

// running is a container's process, connected to our streams.
type running struct {
	*runtime.Process
	streams *stdio.Streams
}

// start starts the container's process, on our streams.
func (c *created) start(signals *runtime.Signals, watch func(*plan.Plan) walk.Watch) (p *running, err error) {
	o := &c.Settings.Options
	uid, err := hostUID(c.spec)
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
	t, err := c.terms(c.host)
	if err != nil {
		return nil, err
	}
	t.Watch = watch
	t.Connect(streams)
	stdio.Fit(c.spec.Process)
	signals.Ready()
	process, err := c.begin(c.spec, t)
	if err != nil {
		return nil, err
	}
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return nil, err
	}
	return &running{process, streams}, nil
}

// attend waits for the end of the process and of its output. Beside an end, the error
// tells what of the output was lost.
func (c *created) attend(p *running) (*End, error) {
	defer p.streams.Close()
	status, err := p.Status()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	end := c.newEnd(status)
	return end, p.streams.Ended()
}

// close writes down how it ended, and removes what is not to stay.
func (c *created) close(p *running, end *End) error {
	if c.Settings.Options.Remove && !c.has(waiters) {
		return errors.Join(p.Close(), c.remove())
	}
	err := errors.Join(c.saveEnd(end), p.Close(), c.finish())
	if c.Settings.Options.Remove {
		c.letWaitersRead()
		return errors.Join(err, c.remove())
	}
	return errors.Join(err, c.unlock())
}

// checkTerminal refuses what would look like a terminal and be none.
func checkTerminal(o *Options) error {
	if o.TTY && o.Interactive && !stdio.IsTerminal(os.Stdin) {
		return hint.New(errors.New("--tty --interactive: standard input is not a terminal"), "leave out -t")
	}
	return nil
}
