package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var stopFlags = []cli.Flag{
	&cli.StringFlag{
		Name: "signal", Aliases: []string{"s"}, DefaultText: "the container's stop signal",
		Usage: "`SIGNAL` signal to send first",
	},
	&cli.IntFlag{
		Name: "time", Aliases: []string{"t", "timeout"}, DefaultText: "10",
		Usage: "`SECONDS` time from that signal to SIGKILL; -1 for no limit",
	},
}

var stopCommand = &cli.Command{
	Name:      "stop",
	Usage:     "stop containers: send the stop signal, then SIGKILL",
	ArgsUsage: selectUsage,
	Flags: slices.Concat(stopFlags, selectFlags, []cli.Flag{
		&cli.BoolFlag{Name: "service", Usage: "for a shutdown: the filter should-start-on-boot ignores this stop"},
	}),
	Action: func(c *cli.Context) error {
		names, err := selected(c)
		o := stopOptions(c)
		o.Service = c.Bool("service")
		return errors.Join(err, together(names, func(name string) error {
			return lifecycle.Stop(c.String("root"), name, o)
		}))
	},
}

var restartCommand = &cli.Command{
	Name:      "restart",
	Usage:     "stop containers and start them again",
	ArgsUsage: "CONTAINER…",
	Flags:     stopFlags,
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Restart(c.String("root"), name, stopOptions(c)) })
	},
}

// stopOptions returns the options that the flags set.
func stopOptions(c *cli.Context) lifecycle.StopOptions {
	o := lifecycle.StopOptions{Signal: c.String("signal")}
	if c.IsSet("time") {
		o.Timeout = new(time.Duration(c.Int("time")) * time.Second)
	}
	return o
}

var killCommand = &cli.Command{
	Name:      "kill",
	Usage:     "send a signal to the main process of containers",
	ArgsUsage: "CONTAINER…",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "signal", Aliases: []string{"s"}, Usage: "`SIGNAL` signal to send", Value: "KILL"},
	},
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Kill(c.String("root"), name, c.String("signal")) })
	},
}

var pauseCommand = &cli.Command{
	Name:      "pause",
	Usage:     "suspend all processes of containers",
	ArgsUsage: "CONTAINER…",
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Pause(c.String("root"), name) })
	},
}

var unpauseCommand = &cli.Command{
	Name:      "unpause",
	Usage:     "resume paused containers",
	ArgsUsage: "CONTAINER…",
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Unpause(c.String("root"), name) })
	},
}

var renameCommand = &cli.Command{
	Name:      "rename",
	Usage:     "rename a container",
	ArgsUsage: "CONTAINER NAME",
	Action: func(c *cli.Context) error {
		return lifecycle.Rename(c.String("root"), c.Args().Get(0), c.Args().Get(1))
	},
}

var waitCommand = &cli.Command{
	Name:      "wait",
	Usage:     "wait until containers exit and print their exit codes",
	ArgsUsage: "CONTAINER…",
	Action: func(c *cli.Context) error {
		var failed []error
		for _, name := range c.Args().Slice() {
			code, err := lifecycle.Wait(c.String("root"), name)
			if err == nil {
				fmt.Println(code)
			}
			failed = append(failed, err)
		}
		return errors.Join(failed...)
	},
}
