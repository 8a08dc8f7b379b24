package main

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/printable"
	"github.com/opencontainers/go-digest"
	"github.com/urfave/cli/v2"
)

var historyCommand = &cli.Command{
	Name:      "history",
	Usage:     "list the build steps of an image, the newest first",
	ArgsUsage: "IMAGE[@N]",
	Description: `minictr layers --help describes IMAGE and IMAGE@N.

A template has docker's fields .ID .CreatedAt .CreatedSince .CreatedBy .Size
.Comment, and .Layer .Compressed .DiffID .Digest .Instruction.`,
	Flags: []cli.Flag{
		formatFlag(),
		&cli.BoolFlag{
			Name: "human", Aliases: []string{"H"}, Value: true,
			Usage: "print sizes with a unit, and times as time ago",
		},
		jsonFlag, wholeFlag,
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print IDs only"},
	},
	Action: history,
}

// stepRow is a build step in JSON, with the layer that it made, if any.
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

// historyRow is a row of docker history, and what is known of the layer besides.
type historyRow struct {
	ID, CreatedAt, CreatedSince, CreatedBy, Size, Comment string
	Layer, Compressed, DiffID, Digest, Instruction        string
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
	steps := []stepRow{}
	for _, step := range s.Steps() {
		if step.Layer > s.N {
			break
		}
		steps = append(steps, newStepRow(step, measures))
	}
	slices.Reverse(steps)
	if c.Bool("json") {
		return printJSON(steps)
	}
	// The rows. Only the image itself has an ID, as in docker.
	whole, human := c.Bool("no-trunc"), c.Bool("human")
	var rows []historyRow
	for i, step := range steps {
		row := newHistoryRow(step, whole, human)
		if i == 0 && s.N == len(s.Layers) {
			row.ID = short(s.ID.String(), whole)
		}
		rows = append(rows, row)
	}
	format := c.String("format")
	if c.Bool("quiet") {
		format = "{{.ID}}"
	}
	columns := `{{.Layer}}\t{{.CreatedSince}}\t{{.Size}}\t{{.Compressed}}\t{{.DiffID}}\t{{.Digest}}\t{{.Instruction}}`
	return printList(format, columns, headings{
		"ID": "IMAGE", "CreatedAt": "CREATED AT", "CreatedSince": "CREATED", "CreatedBy": "CREATED BY",
		"Size": "SIZE", "Comment": "COMMENT", "Layer": "LAYER", "Compressed": "COMPRESSED", "DiffID": "DIFF ID",
		"Digest": "DIGEST", "Instruction": "CREATED BY",
	}, rows)
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

func newHistoryRow(step stepRow, whole, human bool) historyRow {
	bytes := func(n int64) string {
		if human {
			return humanSize(n)
		}
		return strconv.FormatInt(n, 10)
	}
	row := historyRow{
		ID: "<missing>", CreatedSince: "N/A", Comment: printable.Line(step.Comment),
		CreatedBy: oneLine(step.CreatedBy, whole), Instruction: oneLine(step.instruction, whole),
		Layer: "-", Size: bytes(0), Compressed: "-", DiffID: "-", Digest: "-",
	}
	if created := step.Created; created != nil {
		row.CreatedAt = created.Local().Format(time.RFC3339)
		row.CreatedSince = units.HumanDuration(time.Since(*created)) + " ago"
		if !human {
			row.CreatedSince = row.CreatedAt
		}
	}
	if step.Layer > 0 {
		row.Layer, row.Size, row.Compressed = fmt.Sprint(step.Layer), bytes(step.Size), bytes(step.Compressed)
		row.DiffID, row.Digest = short(step.DiffID.String(), whole), short(step.Digest.String(), whole)
	}
	return row
}
