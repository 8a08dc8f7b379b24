package main

import (
	"fmt"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/moby/sys/signal"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

var killCommand = &cli.Command{
	Name:        "kill",
	Usage:       "send a signal to a container's process",
	ArgsUsage:   "CONTAINER-ID [SIGNAL]",
	Description: "SIGNAL is a number or a name, by default TERM.",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "signal all processes in its cgroup, if any"},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		sig := unix.SIGTERM
		if name := c.Args().Get(1); name != "" {
			if sig, err = parseSignal(name); err != nil {
				return err
			}
		}
		container, err := state.OpenReadOnly(c.String("root"), id)
		if err != nil {
			return err
		}
		return runtime.Kill(container, sig, c.Bool("all"))
	},
}

// parseSignal reads a number from 0 to 64, or a name of signal(7) with or without
// SIG, in any case. Number 0 only checks whether the process may be signalled
// (kill(2)).
func parseSignal(text string) (unix.Signal, error) {
	const last = 64 // SIGRTMAX
	if text == "0" {
		return 0, nil
	}
	sig, err := signal.ParseSignal(text)
	if err != nil || sig < 1 || sig > last {
		return 0, fmt.Errorf("unknown signal %q", text)
	}
	return sig, nil
}
