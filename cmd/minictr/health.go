package main

import (
	"github.com/minictr/minictr/container"
	"github.com/urfave/cli/v2"
)

var healthCommand = &cli.Command{
	Name:      "health",
	Usage:     "check a container's health once; what its watcher does every so often",
	UsageText: "minictr health ID",
	Hidden:    true,
	Action: func(c *cli.Context) error {
		return container.CheckHealth(c.String("root"), c.Args().First())
	},
}
