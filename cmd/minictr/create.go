package main

import (
	"fmt"
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var createCommand = &cli.Command{
	Name:      "create",
	Usage:     "create a container without starting it",
	ArgsUsage: "IMAGE [COMMAND [ARGUMENT…]]",
	Flags:     slices.Concat(commonFlags, pullFlags, runFlags),
	Action: func(c *cli.Context) error {
		id, err := createContainer(c, runOptions(c))
		if err != nil {
			return err
		}
		fmt.Println(id)
		return nil
	},
}

// createContainer creates a container, and pulls its image as --pull says.
func createContainer(c *cli.Context, o *config.Options) (id string, err error) {
	err = withImage(c, func() error {
		id, err = lifecycle.Create(c.String("root"), c.Args().First(), o)
		return err
	})
	return id, err
}
