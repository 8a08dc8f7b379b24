package main

import (
	"errors"
	"slices"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var startCommand = &cli.Command{
	Name:      "start",
	Usage:     "start created or stopped containers",
	ArgsUsage: selectUsage,
	Flags: slices.Concat([]cli.Flag{
		&cli.BoolFlag{
			Name: "attach", Aliases: []string{"a"},
			Usage: "attach its output, forward signals and exit with its exit code",
		},
		&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "attach standard input, too"},
		keysFlag,
	}, selectFlags),
	Action: func(c *cli.Context) error {
		names, err := selected(c)
		if !c.Bool("attach") && !c.Bool("interactive") {
			return errors.Join(err, eachOf(names, func(name string) error {
				return lifecycle.Start(c.String("root"), name, false)
			}))
		}
		if err != nil {
			return err
		}
		if len(names) != 1 {
			return hint.New(errors.New("start --attach: takes one container"), "minictr start --attach CONTAINER")
		}
		o := &lifecycle.AttachOptions{Stdin: c.Bool("interactive"), Keys: c.String("detach-keys"), SigProxy: true}
		return attached(lifecycle.StartAttached(c.String("root"), names[0], o))
	},
}
