package main

import (
	"github.com/minictr/minictr/container/monitor"
	"github.com/urfave/cli/v2"
)

var healthCommand = &cli.Command{
	Name:      "health",
	Usage:     "check the health of a container once",
	ArgsUsage: "ID",
	Hidden:    true,
	Action: func(c *cli.Context) error {
		return monitor.CheckHealth(c.String("root"), c.Args().First())
	},
}
