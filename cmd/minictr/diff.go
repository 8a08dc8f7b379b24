package main

import (
	"fmt"

	"github.com/minictr/minictr/container/inspect"
	"github.com/urfave/cli/v2"
)

var diffCommand = &cli.Command{
	Name:        "diff",
	Usage:       "list the files that a container has changed",
	ArgsUsage:   "CONTAINER",
	Description: "A is an added path, C a changed and D a deleted one.",
	Flags:       []cli.Flag{jsonFlag},
	Action:      diffContainer,
}

func diffContainer(c *cli.Context) error {
	changes, err := inspect.Diff(c.Context, c.String("root"), c.Args().First())
	if err != nil {
		return err
	}
	if !c.Bool("json") {
		for _, change := range changes {
			fmt.Printf("%c %s\n", change.Mark, name(change.Path))
		}
		return nil
	}
	type row struct {
		Path name   `json:"path"`
		Mark string `json:"mark"`
	}
	rows := []row{}
	for _, change := range changes {
		rows = append(rows, row{name(change.Path), string(rune(change.Mark))})
	}
	return printJSON(rows)
}
