package main

import (
	"fmt"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var pruneCommand = &cli.Command{
	Name:        "prune",
	Usage:       "remove images without a name and what interrupted pulls left",
	Description: "Filters are until=TIME, label=NAME[=VALUE] and label!=NAME[=VALUE].",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove all images that no container uses"},
		listFlag("filter", "`NAME=VALUE` remove only images that match"),
	},
	Action: func(c *cli.Context) error {
		freed, err := pruneImages(c)
		fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed)))
		return err
	},
}

// pruneImages removes images, prints what docker prints, and returns the bytes freed.
func pruneImages(c *cli.Context) (freed int64, err error) {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return 0, err
	}
	var matches imageTest
	if words := c.StringSlice("filter"); len(words) > 0 {
		filters, err := pruneFilters.Parse(words, store, filterExample)
		if err != nil {
			return 0, err
		}
		matches = filters.Match
	}
	pruned, err := store.Prune(c.Bool("all"), matches)
	if pruned == nil {
		return 0, err
	}
	for _, line := range pruned.Lines {
		fmt.Println(line)
	}
	return pruned.Freed, err
}
