package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

var killCommand = &cli.Command{
	Name:      "kill",
	Usage:     "send a signal to the container's process",
	UsageText: "minictr-oci kill [--all] CONTAINER-ID [SIGNAL]   (a number or a name; TERM if none)",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "to all processes in its cgroup; that there are none is no error"},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c, 2)
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

// parseSignal reads 15, TERM, SIGTERM, sigterm. Number 0 only asks whether the
// process may be signalled (kill(2)).
func parseSignal(text string) (unix.Signal, error) {
	const last = 64 // SIGRTMAX
	if n, err := strconv.Atoi(text); err == nil && 0 <= n && n <= last {
		return unix.Signal(n), nil
	}
	name := strings.ToUpper(text)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if sig := unix.SignalNum(name); sig != 0 {
		return sig, nil
	}
	return 0, fmt.Errorf("unknown signal %q", text)
}
