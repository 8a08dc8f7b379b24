package main

import (
	"fmt"

	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersDeletedCommand = &cli.Command{
	Name:      "deleted",
	Usage:     "list files that later layers removed, and that are still in the image",
	UsageText: "minictr layers deleted [--json] IMAGE[@N]",
	Description: "Whoever has the image has these files: a secret that one step brings and the next\n" +
		"one removes is no secret. minictr layers extract takes them out by the last column.",
	Flags:        []cli.Flag{jsonFlag},
	Action:       layersDeleted,
	OnUsageError: usage,
}

func layersDeleted(c *cli.Context) error {
	s, err := lookIntoOne(c, "one IMAGE")
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := s.stack(1, s.n)
	if err != nil {
		return err
	}
	rows := []hiddenRow{}
	for _, h := range t.Hidden {
		if h.How != stack.Overwritten {
			rows = append(rows, newHiddenRow(h, s))
		}
	}
	if c.Bool("json") {
		return printJSON(rows)
	}
	return printDeleted(rows)
}

func printDeleted(files []hiddenRow) error {
	lines := [][]string{{"SIZE", "IN LAYER", "REMOVED BY", "HOW", "EXTRACT WITH"}}
	for _, f := range files {
		lines = append(lines, []string{humanSize(f.Size), fmt.Sprint(f.Layer), fmt.Sprint(f.HiddenBy), f.reason, f.Ref.String()})
	}
	return table(lines)
}
