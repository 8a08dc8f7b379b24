package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

var gcCommand = &cli.Command{
	Name:  "gc",
	Usage: "put in order what killed commands have left, and tell it",
	Description: "Other commands do so too, quietly. This one waits for those that are at work, and\n" +
		"removes cgroups of stores that are gone. What interrupted pulls have left goes\n" +
		"with minictr prune.",
	Flags: []cli.Flag{jsonFlag},
	Action: func(c *cli.Context) error {
		left, err := lifecycle.Collect(c.String("root"))
		for _, r := range left {
			if !c.Bool("json") {
				fmt.Printf("%s %s: %s\n", r.Kind, printable.Line(r.Name), printable.Line(r.What))
			}
		}
		if c.Bool("json") {
			err = errors.Join(err, printList("json", "", nil, left))
		}
		return err
	},
}
