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
	Usage: "remove what interrupted commands left, and list it",
	Description: `Other commands do the same without listing it, those in a store of more than 64
containers at most once a minute. This one waits for commands that hold a lock.
minictr prune removes what interrupted pulls left.`,
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
