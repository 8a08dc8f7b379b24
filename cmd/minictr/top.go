package main

import (
	"fmt"

	"github.com/minictr/minictr/container/inspect"
	"github.com/urfave/cli/v2"
)

var topCommand = &cli.Command{
	Name:      "top",
	Usage:     "list the processes of a container, by their numbers on the host",
	UsageText: "minictr top CONTAINER [OPTION OF ps(1)…]   (-ef if none)",
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return usage(c, fmt.Errorf("top: it takes a CONTAINER"), true)
		}
		lines, err := inspect.Top(c.String("root"), c.Args().First(), c.Args().Tail())
		for _, line := range lines {
			fmt.Println(line)
		}
		return err
	},
}
