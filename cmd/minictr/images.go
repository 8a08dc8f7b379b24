package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var imagesCommand = &cli.Command{
	Name:      "images",
	Usage:     "list images",
	ArgsUsage: "[NAME[:TAG]]",
	Description: `NAME may be a pattern, as in 'app*'. Filters are before=IMAGE, since=IMAGE,
until=TIME, dangling=true|false, label=NAME[=VALUE] and reference=NAME[:TAG].

A template has the fields .ID .Repository .Tag .Digest .CreatedAt .CreatedSince
.Size.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "show all images, which is the default"},
		&cli.BoolFlag{Name: "digests", Usage: "print digests, too"},
		listFlag("filter", "`NAME=VALUE` show only images that match", "f"),
		formatFlag(),
		&cli.BoolFlag{Name: "json", Usage: "the same as --format json"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "print full IDs"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print IDs only"},
	},
	Action: listImages,
}

// imageRow is a row of docker images.
type imageRow struct {
	Repository, Tag, Digest, ID, CreatedAt, CreatedSince, Size string
	Containers, SharedSize, UniqueSize                         string // always N/A, as in docker images
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
	// The images that the filters and the argument select.
	filters, err := listFilters.Parse(c.StringSlice("filter"), store, filterExample)
	if err != nil {
		return err
	}
	isNamed := func(*images.Image) bool { return true }
	if pattern := c.Args().First(); pattern != "" {
		if isNamed, err = named(store, pattern); err != nil {
			return fmt.Errorf("images %q: %w", pattern, err)
		}
	}
	list, damaged := store.List()
	var rows []imageRow
	for _, image := range list {
		if filters.Match(image) && isNamed(image) {
			rows = append(rows, newImageRow(image, c.Bool("no-trunc")))
		}
	}
	// Print them.
	if c.Bool("quiet") {
		return errors.Join(printIDs(rows), damaged)
	}
	columns := `{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`
	if c.Bool("digests") {
		columns = `{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`
	}
	return errors.Join(printList(format, columns, headings{
		"Repository": "REPOSITORY", "Tag": "TAG", "Digest": "DIGEST", "ID": "IMAGE ID",
		"CreatedAt": "CREATED AT", "CreatedSince": "CREATED", "Size": "SIZE",
		"Containers": "CONTAINERS", "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE",
	}, rows), damaged)
}

func newImageRow(image *images.Image, whole bool) imageRow {
	const unknown = "N/A"
	row := imageRow{
		Repository: "<none>", Tag: "<none>", Digest: image.Digest.String(), ID: image.ID.String(),
		CreatedSince: unknown, Size: humanSize(image.Size),
		Containers: unknown, SharedSize: unknown, UniqueSize: unknown,
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
