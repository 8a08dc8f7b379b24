package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/subject"
	"github.com/minictr/minictr/layers/stack"
	"github.com/urfave/cli/v2"
)

var layersWhyCommand = &cli.Command{
	Name:      "why",
	Usage:     "list the layers that added, changed or removed a path",
	ArgsUsage: "IMAGE[@N] /path",
	Flags:     []cli.Flag{wholeFlag, jsonFlag},
	Action:    layersWhy,
}

// changeRow is the change of a path by a layer.
type changeRow struct {
	Layer     int      `json:"layer"`
	Mark      string   `json:"mark"`
	What      []string `json:"what,omitempty"`
	How       string   `json:"how,omitempty"`
	By        name     `json:"by,omitempty"`
	Before    *file    `json:"before,omitempty"`
	After     *file    `json:"after,omitempty"`
	CreatedBy string   `json:"createdBy"`
}

func layersWhy(c *cli.Context) error {
	path, err := cleanPath(c.Args().Get(1))
	if err != nil {
		return err
	}
	s, err := lookInto(c, c.Args().First())
	if err != nil {
		return err
	}
	defer s.Close()
	t, err := s.Stack(1, s.N)
	if err != nil {
		return err
	}
	rows := []changeRow{}
	for _, change := range t.Why(path) {
		rows = append(rows, newChangeRow(change, s))
	}
	if len(rows) == 0 {
		return errNoLayer(t, path, s.Word)
	}
	if c.Bool("json") {
		return printJSON(rows)
	}
	return printWhy(rows, c.Bool("no-trunc"))
}

func newChangeRow(change stack.Change, s *subject.Image) changeRow {
	row := changeRow{
		Layer: change.Layer, Mark: string(rune(change.Mark)), What: change.What.Names(),
		How: string(change.How), Before: newFile(change.Before), After: newFile(change.After),
		CreatedBy: s.Step(change.Layer),
	}
	if change.By != nil {
		row.By = name(change.By.Path())
	}
	return row
}

// errNoLayer returns the error that no layer has a path. The hint is the path that links
// in it lead to.
func errNoLayer(t *stack.Stack, path, image string) error {
	err := fmt.Errorf("%q: not in any layer of %s", path, image)
	if n := t.Find(path, false); n != nil && n.Path() != path {
		return hint.New(err, "minictr layers why "+image+" "+n.Path())
	}
	return err
}

func printWhy(rows []changeRow, whole bool) error {
	lines := [][]string{{"LAYER", "MARK", "WHAT", "SIZE", "MODE", "OWNER", "CREATED BY"}}
	for _, r := range rows {
		f := r.After
		if f == nil {
			f = r.Before
		}
		size, mode, owner := "-", "-", "-"
		if f != nil {
			size, mode, owner = humanSize(f.Size), f.Mode, f.owner()
		}
		lines = append(lines, []string{
			strconv.Itoa(r.Layer), r.Mark, r.what(), size, mode, owner, oneLine(r.CreatedBy, whole),
		})
	}
	return table(lines)
}

// what describes the change.
func (r changeRow) what() string {
	switch {
	case r.How != "":
		return fmt.Sprintf("%s %s", r.How, r.By)
	case r.Mark == "A":
		return "added " + r.After.Type
	case len(r.What) == 0:
		return "written again"
	}
	return strings.Join(r.What, ", ")
}
