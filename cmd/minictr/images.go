package main

import (
	"fmt"
	"path"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var imagesCommand = &cli.Command{
	Name:        "images",
	Usage:       "list images",
	ArgsUsage:   "[NAME[:TAG]]",
	Description: "NAME may be a pattern, as in 'app*'.",
	Flags: []cli.Flag{
		formatFlag(),
		&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "print full IDs"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print IDs only"},
	},
	Action: listImages,
}

// imageRow is a row of docker images.
type imageRow struct {
	Repository, Tag, ID, CreatedAt, CreatedSince, Size string
}

func listImages(c *cli.Context) error {
	format := c.String("format")
	if c.Bool("json") {
		format = "json"
	}
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	list, err := store.List()
	if err != nil {
		return err
	}
	// The images that the argument names.
	var rows []imageRow
	for _, image := range list {
		row := newImageRow(image, c.Bool("no-trunc"))
		matches, err := row.matches(c.Args().First())
		if err != nil {
			return fmt.Errorf("images %q: %w", c.Args().First(), err)
		}
		if matches {
			rows = append(rows, row)
		}
	}
	// Print them.
	if c.Bool("quiet") {
		return printIDs(rows)
	}
	return printList(format, "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}", headings{
		"Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID",
		"CreatedAt": "CREATED AT", "CreatedSince": "CREATED", "Size": "SIZE",
	}, rows)
}

func newImageRow(image *images.Image, whole bool) imageRow {
	row := imageRow{
		Repository: "<none>", Tag: "<none>", ID: image.ID.String(), CreatedSince: "N/A", Size: humanSize(image.Size),
	}
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

// matches reports whether an image has the name NAME or NAME:TAG, which may be patterns
// as in path.Match. Every image matches "".
func (r imageRow) matches(pattern string) (bool, error) {
	byName, err := path.Match(pattern, r.Repository)
	byTag, _ := path.Match(pattern, r.Repository+":"+r.Tag)
	return pattern == "" || byName || byTag, err
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
