package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var deleteCommand = &cli.Command{
	Name:      "delete",
	Usage:     "delete a stopped container",
	ArgsUsage: "CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.BoolFlag{
			Name: "force", Aliases: []string{"f"},
			Usage: "kill a running container; ignore one that does not exist",
		},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		return runtime.Delete(c.String("root"), id, c.Bool("force"), warn)
	},
}
