package main

import (
	"fmt"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/urfave/cli/v2"
)

var createCommand = &cli.Command{
	Name:      "create",
	Usage:     "make a container, and start nothing in it",
	UsageText: "minictr create [FLAGS] IMAGE [COMMAND [ARGUMENT…]]",
	Flags:     append(append([]cli.Flag{}, pullFlags...), runFlags...),
	Action: func(c *cli.Context) error {
		o, err := runOptions(c)
		if err != nil {
			return err
		}
		id, err := createContainer(c, o)
		if err != nil {
			return err
		}
		fmt.Println(id)
		return nil
	},
}

// createContainer makes a container, and fetches its image if need be.
func createContainer(c *cli.Context, o *config.Options) (id string, err error) {
	err = withImage(c, func() error {
		id, err = lifecycle.Create(c.String("root"), c.Args().First(), o)
		return err
	})
	return id, err
}
