package main

import (
	"fmt"

	"github.com/minictr/minictr/internal/signals"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
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
		regexFlag,
	},
	Action: func(c *cli.Context) (err error) {
		sig := unix.SIGTERM
		if name := c.Args().Get(1); name != "" {
			if sig, err = parseSignal(name); err != nil {
				return err
			}
		}
		return forEach(c, func(id string) error {
			container, err := state.OpenReadOnly(c.String("root"), id)
			if err != nil {
				return err
			}
			return runtime.Kill(container, sig, c.Bool("all"))
		})
	},
}

// parseSignal is signals.Parse that takes 0, too: that only checks whether the process
// may be signalled (kill(2)).
func parseSignal(text string) (unix.Signal, error) {
	if text == "0" {
		return 0, nil
	}
	sig, ok := signals.Parse(text)
	if !ok {
		return 0, fmt.Errorf("unknown signal %q", text)
	}
	return sig, nil
}
