package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var rmiCommand = &cli.Command{
	Name:      "rmi",
	Usage:     "remove images",
	ArgsUsage: "IMAGE…",
	Flags: []cli.Flag{
		&cli.BoolFlag{
			Name: "force", Aliases: []string{"f"},
			Usage: "remove all names of an ID; ignore images that do not exist",
		},
	},
	Action: removeImages,
}

// removeImages removes the images that it can, and returns all errors.
func removeImages(c *cli.Context) error {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	remove := store.Remove
	if c.Bool("force") {
		remove = store.ForceRemove
	}
	var wrong []error
	for _, name := range c.Args().Slice() {
		lines, err := remove(name)
		for _, line := range lines {
			fmt.Println(line)
		}
		if err != nil && !(c.Bool("force") && errors.Is(err, images.ErrNotFound)) {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}
