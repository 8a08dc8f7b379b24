package main

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersDiffCommand = &cli.Command{
	Name:      "diff",
	Usage:     "compare two images, two stacks of layers, or two layers",
	ArgsUsage: "A[@N] B[@M]",
	Description: `A path is marked A if only B has it, D if only A has it, and C if they differ in
type, content, mode, owner, time or extended attributes.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "only", Usage: "compare layer N with layer M alone, without those below"},
		jsonFlag,
	},
	Action: layersDiff,
}

// diffRow is a path that differs.
type diffRow struct {
	Path   name     `json:"path"`
	Mark   string   `json:"mark"`
	What   []string `json:"what,omitempty"`
	Before *file    `json:"before,omitempty"`
	After  *file    `json:"after,omitempty"`
}

func layersDiff(c *cli.Context) error {
	// The two trees.
	var roots [2]*stack.Node
	for i, word := range c.Args().Slice() {
		s, err := lookInto(c, word)
		if err != nil {
			return err
		}
		defer s.Close()
		from := 1
		if c.Bool("only") {
			from = max(s.N, 1)
		}
		t, err := s.Stack(from, s.N)
		if err != nil {
			return err
		}
		roots[i] = t.Root
	}
	// Their differences.
	rows := []diffRow{}
	stack.Diff(roots[0], roots[1]).Walk(func(d *stack.Difference) {
		if d.Mark != stack.Same {
			rows = append(rows, diffRow{
				name(d.Node.Path()), string(rune(d.Mark)), d.What.Names(), newFile(d.Before), newFile(d.After),
			})
		}
	})
	if c.Bool("json") {
		return printJSON(rows)
	}
	return printDiff(rows)
}

func printDiff(rows []diffRow) error {
	var lines [][]string
	for _, r := range rows {
		size := ""
		switch {
		case r.Before == nil:
			size = humanSize(r.After.Size)
		case r.After == nil || r.Before.Size == r.After.Size:
			size = humanSize(r.Before.Size)
		default:
			size = fmt.Sprintf("%s → %s", humanSize(r.Before.Size), humanSize(r.After.Size))
		}
		lines = append(lines, []string{r.Mark, size, strings.Join(r.What, ", "), r.Path.String()})
	}
	return table(lines)
}
