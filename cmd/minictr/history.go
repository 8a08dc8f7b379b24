package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/opencontainers/go-digest"
	"github.com/urfave/cli/v2"
)

var historyCommand = &cli.Command{
	Name:        "history",
	Usage:       "list the build steps of an image, the newest first",
	ArgsUsage:   "IMAGE[@N]",
	Description: "minictr layers --help describes IMAGE and IMAGE@N.",
	Flags:       []cli.Flag{wholeFlag, jsonFlag},
	Action:      history,
}

// stepRow is a build step, with the layer that it made, if any.
type stepRow struct {
	Layer      int           `json:"layer,omitempty"`
	Created    *time.Time    `json:"created,omitempty"`
	CreatedBy  string        `json:"createdBy"`
	Comment    string        `json:"comment,omitempty"`
	Empty      bool          `json:"empty"`
	Size       int64         `json:"size"`
	Compressed int64         `json:"compressed"`
	DiffID     digest.Digest `json:"diffID,omitempty"`
	Digest     digest.Digest `json:"digest,omitempty"`

	instruction string
}

func history(c *cli.Context) error {
	s, err := lookAt(c, c.Args().First())
	if err != nil {
		return err
	}
	defer s.Close()
	measures, err := s.Measures(c.Context)
	if err != nil {
		return err
	}
	rows := []stepRow{}
	for _, step := range s.Steps() {
		if step.Layer > s.n {
			break
		}
		rows = append(rows, newStepRow(step, measures))
	}
	slices.Reverse(rows)
	if c.Bool("json") {
		return printJSON(rows)
	}
	return printHistory(rows, c.Bool("no-trunc"))
}

func newStepRow(step images.Step, measures []images.Measure) stepRow {
	row := stepRow{
		Layer: step.Layer, Created: step.Created, CreatedBy: step.CreatedBy, Comment: step.Comment,
		Empty: step.Layer == 0, instruction: step.Instruction(),
	}
	if step.Layer > 0 {
		m := measures[step.Layer-1]
		row.Size, row.Compressed, row.DiffID, row.Digest = m.Unpacked, m.Compressed, m.DiffID, m.Blob
	}
	return row
}

func printHistory(rows []stepRow, whole bool) error {
	lines := [][]string{{"LAYER", "CREATED", "SIZE", "COMPRESSED", "DIFF ID", "DIGEST", "CREATED BY"}}
	for _, r := range rows {
		created := "N/A"
		if r.Created != nil {
			created = units.HumanDuration(time.Since(*r.Created)) + " ago"
		}
		by := oneLine(r.instruction, whole)
		if r.Layer == 0 {
			lines = append(lines, []string{"-", created, "-", "-", "-", "-", by})
			continue
		}
		lines = append(lines, []string{
			strconv.Itoa(r.Layer), created, humanSize(r.Size), humanSize(r.Compressed),
			short(r.DiffID.String(), whole), short(r.Digest.String(), whole), by,
		})
	}
	return table(lines)
}
