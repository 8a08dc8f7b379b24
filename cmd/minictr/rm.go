package main

import (
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var rmCommand = &cli.Command{
	Name:      "rm",
	Usage:     "remove containers that have ended",
	UsageText: "minictr rm [-f] CONTAINER…   (names, ids, or beginnings of ids)",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill those that run"},
		&cli.BoolFlag{Name: "volumes", Aliases: []string{"v"}, Usage: "remove what their image's volumes hold, which goes with a container in any case"},
	},
	Action: func(c *cli.Context) error {
		return together(c, func(name string) error { return lifecycle.Remove(c.String("root"), name, c.Bool("force")) })
	},
}
