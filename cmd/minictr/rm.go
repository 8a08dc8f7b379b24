package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var rmCommand = &cli.Command{
	Name:      "rm",
	Usage:     "remove containers that have ended",
	UsageText: "minictr rm CONTAINER…   (ids, beginnings of ids, or names)",
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return hint.New(errors.New("rm: no container named"), "write minictr rm CONTAINER…")
		}
		var failed []error
		for _, name := range c.Args().Slice() {
			if err := container.Remove(c.String("root"), name); err != nil {
				failed = append(failed, err)
				continue
			}
			fmt.Println(name)
		}
		return errors.Join(failed...)
	},
}
