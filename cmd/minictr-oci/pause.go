package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var pauseCommand = &cli.Command{
	Name:      "pause",
	Usage:     "suspend all processes of a container",
	ArgsUsage: "CONTAINER-ID",
	Action: func(c *cli.Context) error {
		container, err := look(c)
		if err != nil {
			return err
		}
		return runtime.Pause(container)
	},
}
