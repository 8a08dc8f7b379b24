package main

import (
	"errors"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

var startCommand = &cli.Command{
	Name:      "start",
	Usage:     "start a created container",
	ArgsUsage: "CONTAINER-ID",
	Action: func(c *cli.Context) error {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		container, err := state.Open(c.String("root"), id)
		if err != nil {
			return err
		}
		return start(container)
	},
}

// start starts a container. If systemd waits for READY, it returns when the program has said
// so, or has exited.
func start(container *state.Dir) error {
	notifier, pidfd, err := notifierOf(container)
	if err != nil {
		return errors.Join(err, container.Close())
	}
	pid := container.Record.Pid
	err = runtime.StartCreated(container, compile.Options{Wait: true, Outlive: true}, warn)
	if err == nil && notifier != nil {
		forwardReady(notifier, pidfd, pid)
	}
	if err != nil {
		if spec, unread := container.Config(); unread == nil {
			err = withProgram(err, spec.Process)
		}
	}
	return err
}

// notifierOf makes the readiness socket of a container that can be started.
func notifierOf(container *state.Dir) (n *runtime.Notifier, pidfd int, err error) {
	if notifyHost() == "" {
		return nil, -1, nil
	}
	if status, err := container.Status(); err != nil || status != specs.StateCreated {
		return nil, -1, err
	}
	if pidfd, err = container.Record.Pidfd(); err != nil {
		return nil, -1, err
	}
	n, err = runtime.ListenNotify(container)
	return n, pidfd, err
}
