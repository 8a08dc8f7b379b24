package main

import (
	"fmt"

	"github.com/minictr/minictr/container/inspect"
	"github.com/urfave/cli/v2"
)

var topCommand = &cli.Command{
	Name:        "top",
	Usage:       "list the processes of a container with their host PIDs",
	ArgsUsage:   "CONTAINER [PS-ARGUMENT…]",
	Description: "The arguments are those of ps(1), by default -ef.",
	Action: func(c *cli.Context) error {
		lines, err := inspect.Top(c.String("root"), c.Args().First(), c.Args().Tail())
		for _, line := range lines {
			fmt.Println(line)
		}
		return err
	},
}
