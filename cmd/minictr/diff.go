package main

import (
	"fmt"

	"github.com/minictr/minictr/container/inspect"
	"github.com/urfave/cli/v2"
)

var diffCommand = &cli.Command{
	Name:      "diff",
	Usage:     "show what a container has changed in its files",
	UsageText: "minictr diff [--json] CONTAINER   (A added, C changed, D deleted)",
	Flags:     []cli.Flag{jsonFlag},
	Action:    diffContainer,
}

func diffContainer(c *cli.Context) error {
	words, err := words(c, 1, "one CONTAINER")
	if err != nil {
		return err
	}
	word := words[0]
	changes, err := inspect.Diff(c.Context, c.String("root"), word)
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
