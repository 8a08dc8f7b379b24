package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var resumeCommand = &cli.Command{
	Name:      "resume",
	Usage:     "resume a paused container",
	ArgsUsage: "CONTAINER-ID",
	Action: func(c *cli.Context) error {
		container, err := look(c)
		if err != nil {
			return err
		}
		return runtime.Resume(container)
	},
}
