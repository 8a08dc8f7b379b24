package main

import (
	"fmt"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var pruneCommand = &cli.Command{
	Name:  "prune",
	Usage: "remove images without a name and what interrupted pulls left",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove all images that no container uses"},
	},
	Action: func(c *cli.Context) error {
		store, err := images.Open(c.String("root"))
		if err != nil {
			return err
		}
		pruned, err := store.Prune(c.Bool("all"))
		if pruned != nil {
			for _, line := range pruned.Lines {
				fmt.Println(line)
			}
			fmt.Println("Total reclaimed space:", units.HumanSize(float64(pruned.Freed)))
		}
		return err
	},
}
