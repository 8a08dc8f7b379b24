package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/images"
	"github.com/urfave/cli/v2"
)

var systemDfCommand = &cli.Command{
	Name:     "df",
	Category: "System",
	Usage:    "print how much disk images, containers and volumes use",
	Description: `The size of images is that of the compressed layers and of the unpacked ones;
what images share counts once. The size of containers is that of the files they
have changed. Reclaimable is what minictr image prune -a, minictr container
prune and minictr volume prune -a free. A template has the fields .Type
.TotalCount .Active .Size .Reclaimable; with --verbose, the lists .Images
.Containers .Volumes and .BuildCache.`,
	Flags: []cli.Flag{
		formatFlag(),
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "list each image, container and volume"},
	},
	Action: systemDf,
}

// dfRow is a row of docker system df.
type dfRow struct {
	Type, TotalCount, Active, Size, Reclaimable string
}

func systemDf(c *cli.Context) error {
	store, err := images.Open(c.String("root"))
	if err != nil {
		return err
	}
	ofImages, unread := images.DiskUsage(store)
	if ofImages == nil {
		return unread
	}
	ofContainers, err := inspect.DiskUsage(c.String("root"))
	ofVolumes, volumeErr := inspect.VolumeDiskUsage(c.String("root"))
	unread = errors.Join(unread, err, volumeErr)
	if c.Bool("verbose") {
		return errors.Join(dfVerbose(c.String("format"), ofImages, ofContainers, ofVolumes), unread)
	}
	newRow := func(kind string, total, active int, size, reclaimable int64) dfRow {
		return dfRow{kind, strconv.Itoa(total), strconv.Itoa(active), units.HumanSize(float64(size)),
			reclaimableText(size, reclaimable)}
	}
	rows := []dfRow{
		newRow("Images", len(ofImages.Images), ofImages.Active, ofImages.Size, ofImages.Reclaimable),
		newRow("Containers", len(ofContainers.Containers), ofContainers.Active, ofContainers.Size,
			ofContainers.Reclaimable),
		newRow("Local Volumes", len(ofVolumes.Volumes), ofVolumes.Active, ofVolumes.Size, ofVolumes.Reclaimable),
		newRow("Build Cache", 0, 0, 0, 0),
	}
	const columns = `{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}`
	err = printList(c.String("format"), columns, headings{
		"Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE", "Reclaimable": "RECLAIMABLE",
	}, rows)
	return errors.Join(err, unread)
}

func reclaimableText(size, reclaimable int64) string {
	text := units.HumanSize(float64(reclaimable))
	if size > 0 {
		text += fmt.Sprintf(" (%d%%)", reclaimable*100/size)
	}
	return text
}

// dfLists are the lists of docker system df --verbose.
type dfLists struct {
	Images     []imageRow
	Containers []psRow
	Volumes    []volumeRow
	BuildCache []struct{}
}

func dfVerbose(format string, i *images.Usage, c *inspect.Usage, v *inspect.VolumeUsage) error {
	whole := format != "table"
	lists := dfLists{Images: []imageRow{}, Containers: []psRow{}, Volumes: []volumeRow{}, BuildCache: []struct{}{}}
	for _, image := range i.Images {
		row := newImageRow(image.Image, whole)
		row.Size, row.SharedSize = units.HumanSize(float64(image.Size)), units.HumanSize(float64(image.Shared))
		row.UniqueSize, row.Containers = units.HumanSize(float64(image.Unique)), strconv.Itoa(image.Containers)
		lists.Images = append(lists.Images, row)
	}
	now := time.Now()
	for _, s := range c.Containers {
		row := newPsRow(s, now, whole)
		row.Size = units.HumanSize(float64(s.Written))
		lists.Containers = append(lists.Containers, row)
	}
	for i := range v.Volumes {
		row := newVolumeRow(&v.Volumes[i])
		row.Links, row.Size = strconv.Itoa(len(v.Volumes[i].Users)), units.HumanSize(float64(v.Sizes[i]))
		lists.Volumes = append(lists.Volumes, row)
	}
	switch {
	case format == "json":
		return printFilled("{{json .}}", []any{lists})
	case strings.HasPrefix(format, "table "):
		return errors.New("--format table TEMPLATE: not with --verbose")
	case whole:
		return printFilled(format, []any{lists})
	}
	return printDfLists(lists)
}

func printDfLists(lists dfLists) error {
	fmt.Print("Images space usage:\n\n")
	const ofImages = `{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}\t{{.SharedSize}}\t` +
		`{{.UniqueSize}}\t{{.Containers}}`
	err := printList("table", ofImages, headings{
		"Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED", "Size": "SIZE",
		"SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE", "Containers": "CONTAINERS",
	}, lists.Images)
	fmt.Print("\nContainers space usage:\n\n")
	const ofContainers = `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t` +
		`{{.Status}}\t{{.Names}}`
	err = errors.Join(err, printList("table", ofContainers, psHeadings(), lists.Containers))
	fmt.Print("\nLocal Volumes space usage:\n\n")
	err = errors.Join(err, printList("table", `{{.Name}}\t{{.Links}}\t{{.Size}}`, volumeHeadings(), lists.Volumes))
	fmt.Print("\nBuild cache usage: 0B\n")
	return err
}
