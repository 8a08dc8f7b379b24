package main

import (
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var tagCommand = &cli.Command{
	Name:      "tag",
	Usage:     "add a name to an image",
	ArgsUsage: "IMAGE NAME[:TAG]",
	Action: func(c *cli.Context) error {
		store, err := images.Open(c.String("root"))
		if err != nil {
			return err
		}
		return store.Tag(c.Args().Get(0), c.Args().Get(1))
	},
}
