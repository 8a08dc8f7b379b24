package main

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "create and start a container, wait for it and delete it",
	ArgsUsage: "CONTAINER-ID",
	Flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait for the container"},
		&cli.BoolFlag{Name: "keep", Usage: "do not delete the container when it stops"},
		&cli.BoolFlag{Name: "no-subreaper", Hidden: true}, // runc's; minictr-oci is no subreaper
	}, bundleFlags...),
	Action: func(c *cli.Context) error {
		signals := runtime.CatchSignals()
		b, err := open(c)
		if err != nil {
			return err
		}
		b.options.Outlive = c.Bool("detach")
		code, err := b.run(c.Bool("keep"), signals)
		if err != nil {
			tell("error", err)
			code = runFailed(err)
		}
		os.Exit(code)
		return nil
	},
}

// runFailed returns the exit code of shells and docker for a program that could not be
// executed, and 1 for any other error.
func runFailed(err error) int {
	if code, ok := runtime.ExecExitCode(err); ok {
		return code
	}
	return 1
}

// run creates and starts the container in one step, unless hooks run between the two.
func (b *bundle) run(keep bool, signals *runtime.Signals) (code int, err error) {
	b.options.Signals = signals
	b.options.Wait = b.spec.Hooks != nil && len(b.spec.Hooks.StartContainer)+len(b.spec.Hooks.Poststart) > 0
	streams, err := connect(&b.options, b.spec.Process, b.spec)
	if err != nil {
		return 0, b.remove(err)
	}
	notifier, err := listenNotify(b.container)
	if err != nil {
		return 0, b.remove(err)
	}
	// Create the container. Without hooks, this also starts it.
	process, err := b.create()
	if err != nil {
		return 0, err
	}
	if b.options.Wait {
		if err := runtime.StartCreated(b.container, b.options.Options, warn); err != nil {
			return 0, errors.Join(err, b.delete())
		}
	}
	// Other commands may use it from here on. Wait for it unless it is detached.
	if err := b.container.Unlock(); err != nil {
		return 0, err
	}
	awaitReady, err := b.notify(notifier, process)
	if err != nil || b.options.Outlive {
		awaitReady()
		return 0, err
	}
	code, err = attend(process, streams, signals)
	awaitReady()
	if err == nil && !keep {
		err = runtime.Finish(b.container, warn)
	}
	return code, err
}

// notify passes READY of the container's process on. The main process of the service is
// that one if it outlives this one. await waits until READY, or the exit, was handled.
func (b *bundle) notify(n *runtime.Notifier, process *runtime.Process) (await func(), err error) {
	if n == nil {
		return func() {}, nil
	}
	pidfd, err := process.Pidfd()
	if err != nil {
		return func() {}, err
	}
	mainPid := os.Getpid()
	if b.options.Outlive {
		mainPid = process.Pid()
	}
	done := make(chan struct{})
	go func() {
		forwardReady(n, pidfd, mainPid)
		close(done)
	}()
	return func() { <-done }, nil
}

// delete deletes a container that could not be started.
func (b *bundle) delete() error {
	return runtime.Delete(b.root, b.container.ID(), true, warn)
}

// remove removes the state directory of a container that could not be created.
func (b *bundle) remove(err error) error {
	if b.container == nil {
		return err
	}
	return errors.Join(err, b.container.Remove())
}
