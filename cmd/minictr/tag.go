package main

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var tagCommand = &cli.Command{
	Name:      "tag",
	Usage:     "give an image one more name",
	ArgsUsage: "IMAGE NAME[:TAG]",
	Action: func(c *cli.Context) error {
		if c.NArg() != 2 {
			return hint.New(errors.New("tag: an image and a name are wanted"), "write minictr tag IMAGE NAME[:TAG]")
		}
		store, err := images.Open(c.String("root"))
		if err != nil {
			return err
		}
		return store.Tag(c.Args().Get(0), c.Args().Get(1))
	},
}
