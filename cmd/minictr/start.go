package main

import (
	"github.com/minictr/minictr/container"
	"github.com/urfave/cli/v2"
)

var startCommand = &cli.Command{
	Name:      "start",
	Usage:     "start containers in the background",
	UsageText: "minictr start CONTAINER…   (names, ids, or beginnings of ids)",
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error { return container.Start(c.String("root"), name, false) })
	},
}
