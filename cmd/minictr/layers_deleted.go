package main

import (
	"fmt"

	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersDeletedCommand = &cli.Command{
	Name:      "deleted",
	Usage:     "list removed files that are still in the image",
	ArgsUsage: "IMAGE[@N]",
	Description: `A later layer hides these files, but everyone who has the image can read them: a
secret that one build step adds and the next removes is not secret. The last
column is an argument of minictr layers extract.`,
	Flags:  []cli.Flag{jsonFlag},
	Action: layersDeleted,
}

func layersDeleted(c *cli.Context) error {
	s, err := lookInto(c, c.Args().First())
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := s.Stack(1, s.N)
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
		lines = append(lines, []string{
			humanSize(f.Size), fmt.Sprint(f.Layer), fmt.Sprint(f.HiddenBy), f.reason, f.Ref.String(),
		})
	}
	return table(lines)
}
