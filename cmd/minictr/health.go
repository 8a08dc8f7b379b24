package main

import (
	"github.com/minictr/minictr/container/monitor"
	"github.com/urfave/cli/v2"
)

var healthCommand = &cli.Command{
	Name:      "health",
	Usage:     "check a container's health once; what its watcher does every so often",
	UsageText: "minictr health ID",
	Hidden:    true,
	Action: func(c *cli.Context) error {
		return monitor.CheckHealth(c.String("root"), c.Args().First())
	},
}
