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
		regexFlag,
	},
	Action: func(c *cli.Context) error {
		return forEach(c, func(id string) error {
			return runtime.Delete(c.String("root"), id, c.Bool("force"), warn)
		})
	},
}
