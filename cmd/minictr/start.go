package main

import (
	"errors"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var startCommand = &cli.Command{
	Name:      "start",
	Usage:     "start containers in the background, or be in front of one",
	UsageText: "minictr start CONTAINER…   or   minictr start -a|-i [--detach-keys KEYS] CONTAINER",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "attach", Aliases: []string{"a"}, Usage: "show its output, hand signals on, and end with its exit code"},
		&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "let it read standard input, too"},
		keysFlag,
	},
	Action: func(c *cli.Context) error {
		names, err := containerNames(c) // and flags behind them
		if err != nil {
			return err
		}
		if !c.Bool("attach") && !c.Bool("interactive") {
			return each(c, func(name string) error { return lifecycle.Start(c.String("root"), name, false) })
		}
		if len(names) != 1 {
			return hint.New(errors.New("start --attach: it takes one container"), "you can only be in front of one")
		}
		o := &lifecycle.AttachOptions{Stdin: c.Bool("interactive"), Keys: c.String("detach-keys"), SigProxy: true}
		return attached(lifecycle.StartAttached(c.String("root"), names[0], o))
	},
}
