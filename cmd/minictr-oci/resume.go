package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var resumeCommand = &cli.Command{
	Name:      "resume",
	Usage:     "let the processes of a paused container go on",
	UsageText: "minictr-oci resume CONTAINER-ID",
	Action: func(c *cli.Context) error {
		container, err := look(c)
		if err != nil {
			return err
		}
		return runtime.Resume(container)
	},
}
