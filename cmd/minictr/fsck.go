package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var fsckCommand = &cli.Command{
	Name:        "fsck",
	Usage:       "verify all images in the store",
	Description: "The exit code is 1 if a problem was found, and with --repair, if one is left.",
	Flags: []cli.Flag{
		jsonFlag,
		&cli.BoolFlag{Name: "repair", Usage: "remove damaged images, unless a container uses them"},
	},
	Action: fsck,
}

// findingRow is a problem or a note.
type findingRow struct {
	Path   name   `json:"path"`
	What   name   `json:"what"`
	Images []name `json:"images,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

func fsck(c *cli.Context) error {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	if c.Bool("repair") {
		done, err := store.Repair(c.Context)
		for _, r := range done {
			tell(hint.New(errors.New("fsck: "+r.What), r.Hint))
		}
		if err != nil {
			return err
		}
	}
	v, err := store.Fsck(c.Context)
	if err != nil {
		return err
	}
	// Print what was found.
	problems, notes := findingRows(v.Problems), findingRows(v.Notes)
	if c.Bool("json") {
		err = printJSON(map[string]any{
			"images": v.Images, "blobs": v.Blobs, "layers": v.Layers, "bytes": v.Bytes,
			"problems": problems, "notes": notes,
		})
	} else {
		for _, p := range problems {
			fmt.Println("problem:", p)
		}
		for _, n := range notes {
			fmt.Printf("note: %s; %s\n", n, n.Hint)
		}
		fmt.Printf("%s, %s (%s), %s\n",
			count(v.Images, "image"), count(v.Blobs, "blob"), humanSize(v.Bytes), count(v.Layers, "layer"))
	}
	// Exit with 1 if there are problems.
	if err != nil || len(problems) == 0 {
		return err
	}
	tell(hint.New(errors.New(count(len(problems), "problem")), mends(problems)))
	return status(1)
}

func findingRows(all []images.Finding) []findingRow {
	rows := []findingRow{}
	for _, f := range all {
		row := findingRow{Path: name(f.Path), What: name(f.What), Hint: f.Hint}
		for _, image := range f.Images {
			row.Images = append(row.Images, name(image))
		}
		rows = append(rows, row)
	}
	return rows
}

func (r findingRow) String() string {
	text := r.Path.String() + ": " + r.What.String()
	if len(r.Images) == 0 {
		return text
	}
	var names []string
	for _, image := range r.Images {
		names = append(names, image.String())
	}
	return text + " (" + strings.Join(names, ", ") + ")"
}

// mends returns the hints of problems, each once.
func mends(rows []findingRow) string {
	var all []string
	for _, r := range rows {
		if !slices.Contains(all, r.Hint) {
			all = append(all, r.Hint)
		}
	}
	return strings.Join(all, "; ")
}

// count returns "1 image" or "2 images".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
