package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var imagesCommand = &cli.Command{
	Name:  "images",
	Usage: "list images",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "only IDs"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "whole IDs"},
		&cli.StringFlag{Name: "format", Usage: "table or `json`", Value: "table"},
		&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
	},
	Action: listImages,
}

// imageRow is an image as docker images shows it, and as its JSON lines spell
// it.
type imageRow struct {
	Repository, Tag, ID, CreatedAt, CreatedSince, Size string
}

func listImages(c *cli.Context) error {
	format := c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	if format != "table" && format != "json" {
		return fmt.Errorf("images: unknown format %q, it is table or json", format)
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	list, err := store.List()
	if err != nil {
		return err
	}
	var rows []imageRow
	for _, image := range list {
		rows = append(rows, newImageRow(image, c.Bool("no-trunc")))
	}
	switch {
	case c.Bool("quiet"):
		return printIDs(rows)
	case format == "json":
		return printJSONLines(rows)
	}
	return printTable(rows)
}

func newImageRow(image *images.Image, whole bool) imageRow {
	row := imageRow{Repository: "<none>", Tag: "<none>", ID: image.ID.String(), CreatedSince: "N/A", Size: units.HumanSizeWithPrecision(float64(image.Size), 3)}
	if !whole {
		row.ID = image.ID.Encoded()[:12]
	}
	if image.Name != "" {
		row.Repository, row.Tag = images.Split(images.Familiar(image.Name))
	}
	if created := image.Config.Created; created != nil {
		row.CreatedAt = created.Local().Format("2006-01-02 15:04:05 -0700 MST")
		row.CreatedSince = units.HumanDuration(time.Since(*created)) + " ago"
	}
	return row
}

func printIDs(rows []imageRow) error {
	seen := make(map[string]bool)
	for _, r := range rows {
		if !seen[r.ID] {
			fmt.Println(r.ID)
		}
		seen[r.ID] = true
	}
	return nil
}

func printJSONLines(rows []imageRow) error {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, r := range rows {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func printTable(rows []imageRow) error {
	w := tabwriter.NewWriter(os.Stdout, 10, 1, 3, ' ', 0)
	fmt.Fprintln(w, "REPOSITORY\tTAG\tIMAGE ID\tCREATED\tSIZE")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Repository, r.Tag, r.ID, r.CreatedSince, r.Size)
	}
	return w.Flush()
}
