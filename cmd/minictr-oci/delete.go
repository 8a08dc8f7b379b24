package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/urfave/cli/v2"
)

var deleteCommand = &cli.Command{
	Name:      "delete",
	Usage:     "remove a container that has stopped, and what it left",
	UsageText: "minictr-oci delete [--force] CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "kill it first; that it does not exist is no error"},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c, 1)
		if err != nil {
			return err
		}
		return runtime.Delete(c.String("root"), id, c.Bool("force"), warn)
	},
}
