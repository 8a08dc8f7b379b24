package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

var psCommand = &cli.Command{
	Name:  "ps",
	Usage: "list running containers",
	Description: `Filters are id, name, label, label!, status, exited, ancestor, before, since,
health, network, volume, restart-policy, should-start-on-boot, and docker's
expose, publish, is-task and isolation.

A template has the fields .ID .Image .Command .CreatedAt .RunningFor .Status
.State .Why .Names .Labels .Mounts .LocalVolumes .Networks .Ports .Size, and the
method {{.Label "NAME"}}.`,
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "show all containers, not only running ones"},
		listFlag("filter", "`NAME=VALUE` show only containers that match", "f"),
		formatFlag(),
		&cli.IntFlag{Name: "last", Aliases: []string{"n"}, Usage: "`NUMBER` show the last created containers"},
		&cli.BoolFlag{Name: "latest", Aliases: []string{"l"}, Usage: "show the last created container"},
		&cli.BoolFlag{Name: "no-trunc", Usage: "print full IDs, commands and reasons"},
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print IDs only"},
		&cli.BoolFlag{Name: "size", Aliases: []string{"s"}, Usage: "print the size of written files, too"},
	},
	Action: ps,
}

// psRow is a row of docker ps. Why is an addition: the reason of the status.
type psRow struct {
	ID, Image, Command, CreatedAt, RunningFor, Status, State, Why, Names string
	Labels, Mounts, LocalVolumes, Networks, Ports, Size                  string

	labels map[string]string
}

func (r psRow) Label(name string) string { return printable.Line(r.labels[name]) }

func psHeadings() headings {
	return headings{
		"ID": "CONTAINER ID", "Image": "IMAGE", "Command": "COMMAND", "CreatedAt": "CREATED AT",
		"RunningFor": "CREATED", "Status": "STATUS", "State": "STATE", "Why": "WHY",
		"Names": "NAMES", "Labels": "LABELS", "Mounts": "MOUNTS",
		"LocalVolumes": "LOCAL VOLUMES", "Networks": "NETWORKS", "Ports": "PORTS", "Size": "SIZE",
	}
}

func ps(c *cli.Context) error {
	// The containers that the flags select.
	format := c.String("format")
	query := inspect.Query{
		All: c.Bool("all"), Last: max(0, c.Int("last")), Filters: c.StringSlice("filter"),
		Size: c.Bool("size") || strings.Contains(format, ".Size"),
	}
	if c.Bool("latest") && query.Last == 0 {
		query.Last = 1
	}
	list, unread := inspect.List(c.String("root"), query)
	if len(list) == 0 && unread != nil {
		return unread
	}
	// The columns.
	if c.Bool("quiet") {
		format = "{{.ID}}"
	}
	columns := `{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}`
	if c.Bool("size") {
		columns += `\t{{.Size}}`
	}
	// The rows.
	now := time.Now()
	var rows []psRow
	for _, l := range list {
		row := newPsRow(l, now, c.Bool("no-trunc"))
		if query.Size {
			row.Size = fmt.Sprintf("%s (virtual %s)", humanSize(l.Written), humanSize(l.Whole))
		}
		rows = append(rows, row)
	}
	return errors.Join(printList(format, columns, psHeadings(), rows), unread)
}

func newPsRow(l inspect.Summary, now time.Time, whole bool) psRow {
	command := l.Command
	row := psRow{
		ID: l.ID, Image: printable.Line(l.Settings.Image), Names: l.Name,
		State: string(l.State.Status), Status: inspect.StatusText(&l.State, now),
		Why:      printable.Line(inspect.Reason(&l.State, !whole)),
		Networks: inspect.Network(l.Container), labels: l.Settings.Labels,
	}
	// Times.
	if created := l.Settings.Created; !created.IsZero() {
		row.CreatedAt = created.Local().Format("2006-01-02 15:04:05 -0700 MST")
		row.RunningFor = units.HumanDuration(now.Sub(created)) + " ago"
	}
	// Why it has its status: part of STATUS.
	if l.Err != nil {
		row.Why = printable.Line(l.Err.Error())
	}
	if !whole {
		row.ID, command = row.ID[:12], ellipsis(command, 20)
		row.Why = ellipsis(strings.ReplaceAll(row.Why, printable.Line(l.Dir+"/"), ""), 70)
	}
	row.Command = printable.Quote(command)
	if row.Why != "" {
		row.Status += ": " + row.Why
	}
	// Lists.
	var labels, sources []string
	for _, name := range slices.Sorted(maps.Keys(row.labels)) {
		labels = append(labels, printable.Line(name+"="+row.labels[name]))
	}
	volumes := 0
	for _, m := range l.Mounts {
		if m.Type == "volume" {
			volumes++
		}
		source := cmp.Or(m.Name, printable.Line(m.Source))
		if !whole {
			source = ellipsis(source, 15)
		}
		sources = append(sources, source)
	}
	row.Labels, row.Mounts = strings.Join(labels, ","), strings.Join(sources, ",")
	row.LocalVolumes = strconv.Itoa(volumes)
	return row
}
