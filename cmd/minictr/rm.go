package main

import (
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var rmCommand = &cli.Command{
	Name:      "rm",
	Usage:     "remove containers that are not running",
	ArgsUsage: "CONTAINER…",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill running containers first"},
		&cli.BoolFlag{Name: "volumes", Aliases: []string{"v"}, Usage: "remove their anonymous volumes, too"},
	},
	Action: func(c *cli.Context) error {
		return together(c.Args().Slice(), func(name string) error {
			return lifecycle.Remove(c.String("root"), name, c.Bool("force"), c.Bool("volumes"))
		})
	},
}
