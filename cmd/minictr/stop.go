package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var timeFlag = &cli.IntFlag{Name: "time", Aliases: []string{"t"}, Usage: "wait for `SECONDS` before killing it; -1 is as long as it takes", DefaultText: "10"}

var stopCommand = &cli.Command{
	Name:      "stop",
	Usage:     "end containers: ask their process to, then make it",
	UsageText: "minictr stop [-t SECONDS] CONTAINER…",
	Flags:     []cli.Flag{timeFlag},
	Action: func(c *cli.Context) error {
		return together(c, func(name string) error { return lifecycle.Stop(c.String("root"), name, stopTimeout(c)) })
	},
}

var restartCommand = &cli.Command{
	Name:      "restart",
	Usage:     "stop containers and start them again",
	UsageText: "minictr restart [-t SECONDS] CONTAINER…",
	Flags:     []cli.Flag{timeFlag},
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Restart(c.String("root"), name, stopTimeout(c)) })
	},
}

// stopTimeout is --time, nil if it was not given.
func stopTimeout(c *cli.Context) *time.Duration {
	if !c.IsSet("time") {
		return nil
	}
	d := time.Duration(c.Int("time")) * time.Second
	return &d
}

var killCommand = &cli.Command{
	Name:      "kill",
	Usage:     "send a signal to the processes of containers",
	UsageText: "minictr kill [-s SIGNAL] CONTAINER…",
	Flags:     []cli.Flag{&cli.StringFlag{Name: "signal", Aliases: []string{"s"}, Usage: "send `SIGNAL`", Value: "KILL"}},
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Kill(c.String("root"), name, c.String("signal")) })
	},
}

var pauseCommand = &cli.Command{
	Name:      "pause",
	Usage:     "freeze the processes of containers",
	UsageText: "minictr pause CONTAINER…",
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Pause(c.String("root"), name) })
	},
}

var unpauseCommand = &cli.Command{
	Name:      "unpause",
	Usage:     "let the processes of containers go on",
	UsageText: "minictr unpause CONTAINER…",
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return lifecycle.Unpause(c.String("root"), name) })
	},
}

var renameCommand = &cli.Command{
	Name:      "rename",
	Usage:     "give a container another name",
	UsageText: "minictr rename CONTAINER NAME",
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return hint.New(fmt.Errorf("rename: %d words", c.NArg()), "write minictr rename CONTAINER NAME")
		}
		return lifecycle.Rename(c.String("root"), c.Args().Get(0), c.Args().Get(1))
	},
}

var waitCommand = &cli.Command{
	Name:      "wait",
	Usage:     "wait until containers have ended, and print their exit codes",
	UsageText: "minictr wait CONTAINER…",
	Action: func(c *cli.Context) error {
		names, err := containerNames(c)
		if err != nil {
			return err
		}
		var failed []error
		for _, name := range names {
			code, err := lifecycle.Wait(c.String("root"), name)
			if err == nil {
				fmt.Println(code)
			}
			failed = append(failed, err)
		}
		return errors.Join(failed...)
	},
}
