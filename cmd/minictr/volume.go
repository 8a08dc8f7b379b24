package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
)

var volumeCommand = &cli.Command{
	Name:  "volume",
	Usage: "manage volumes: files that outlive containers",
	Description: "A container mounts them: minictr run -v NAME:DIR IMAGE. One that does not exist\n" +
		"is made then, and gets the files that the image has in DIR.",
	Subcommands: []*cli.Command{
		volumeCreateCommand, volumeLsCommand, volumeInspectCommand, volumeRmCommand, volumePruneCommand,
		volumeUpdateCommand,
	},
}

var volumeCreateCommand = &cli.Command{
	Name: "create", Category: "Volumes", Usage: "create a volume", ArgsUsage: "[VOLUME]",
	Description: "Without a name it is anonymous. A volume that exists stays as it is.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "driver", Aliases: []string{"d"}, Value: "local", Usage: "`DRIVER` only local"},
		listFlag("label", "`NAME=VALUE` set a label"),
		&cli.StringFlag{Name: "name", Usage: "`VOLUME` the same as the argument", Hidden: true},
		&cli.StringSliceFlag{Name: "opt", Aliases: []string{"o"}, Usage: "`OPTION` not supported", Hidden: true},
	},
	Action: createVolume,
}

func createVolume(c *cli.Context) error {
	const mounted = "mount the filesystem on the host, then: minictr run -v DIR:TARGET IMAGE"
	if driver := c.String("driver"); driver != "local" {
		return hint.New(fmt.Errorf("--driver %s: not supported", driver), mounted)
	}
	if options := c.StringSlice("opt"); len(options) > 0 {
		return hint.New(fmt.Errorf("--opt %s: not supported", options[0]), mounted)
	}
	name := c.Args().First()
	if c.IsSet("name") && name != "" {
		return errors.New("--name and VOLUME exclude each other")
	}
	if name == "" {
		name = c.String("name")
	}
	name, err := lifecycle.CreateVolume(c.String("root"), name, c.StringSlice("label"))
	return done(name, err)
}

var volumeLsCommand = &cli.Command{
	Name: "ls", Aliases: []string{"list"}, Category: "Volumes", Usage: "list volumes",
	Description: `Filters are dangling=true|false, driver=local, label=NAME[=VALUE],
label!=NAME[=VALUE] and name=PATTERN, a regular expression.

A template has the fields .Name .Driver .Scope .Mountpoint .Labels .Links .Size
.Availability .Group .Status, and the method {{.Label "NAME"}}.`,
	Flags: []cli.Flag{
		listFlag("filter", "`NAME=VALUE` show only volumes that match", "f"),
		formatFlag(),
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print names only"},
	},
	Action: listVolumes,
}

// volumeRow is a row of docker volume ls. Links and Size are those of system df.
type volumeRow struct {
	Availability, Driver, Group, Labels, Links, Mountpoint, Name, Scope, Size, Status string

	labels map[string]string
}

func (r volumeRow) Label(name string) string { return printable.Line(r.labels[name]) }

func volumeHeadings() headings {
	return headings{
		"Availability": "AVAILABILITY", "Driver": "DRIVER", "Group": "GROUP", "Labels": "LABELS", "Links": "LINKS",
		"Mountpoint": "MOUNTPOINT", "Name": "VOLUME NAME", "Scope": "SCOPE", "Size": "SIZE", "Status": "STATUS",
	}
}

func newVolumeRow(v *inspect.Volume) volumeRow {
	const unknown = "N/A"
	var labels []string
	for _, name := range slices.Sorted(maps.Keys(v.Labels)) {
		labels = append(labels, printable.Line(name+"="+v.Labels[name]))
	}
	return volumeRow{
		Availability: unknown, Driver: "local", Group: unknown, Labels: strings.Join(labels, ","), Links: unknown,
		Mountpoint: printable.Line(v.Mountpoint), Name: v.Name, Scope: "local", Size: unknown, Status: unknown,
		labels: v.Labels,
	}
}

func listVolumes(c *cli.Context) error {
	list, unread := inspect.Volumes(c.String("root"), c.StringSlice("filter"), inspect.VolumeFilters)
	if len(list) == 0 && unread != nil {
		return unread
	}
	var rows []volumeRow
	for i := range list {
		rows = append(rows, newVolumeRow(&list[i]))
	}
	format := c.String("format")
	if c.Bool("quiet") {
		format = "{{.Name}}"
	}
	return errors.Join(printList(format, `{{.Driver}}\t{{.Name}}`, volumeHeadings(), rows), unread)
}

var volumeInspectCommand = &cli.Command{
	Name: "inspect", Category: "Volumes", Usage: "print details of volumes as JSON", ArgsUsage: "VOLUME…",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Aliases: []string{"f"}, Usage: "`TEMPLATE` json, or a Go template as in {{.Mountpoint}}",
		},
	},
	Action: func(c *cli.Context) error {
		return printEach(c, func(name string) (any, error) { return inspectVolume(c.String("root"), name) })
	},
}

// inspectedVolume is a volume in docker's JSON.
type inspectedVolume struct {
	CreatedAt, Driver string
	Labels            map[string]string
	Mountpoint, Name  string
	Options           map[string]string // always null
	Scope             string
}

func inspectVolume(root, name string) (*inspectedVolume, error) {
	v, err := inspect.FindVolume(root, name)
	if err != nil {
		return nil, fmt.Errorf("inspect volume %q: %w", name, err)
	}
	return &inspectedVolume{
		CreatedAt: v.Created.Format(time.RFC3339), Driver: "local", Labels: v.Labels,
		Mountpoint: v.Mountpoint, Name: v.Name, Scope: "local",
	}, nil
}

var volumeRmCommand = &cli.Command{
	Name: "rm", Aliases: []string{"remove"}, Category: "Volumes",
	Usage: "remove volumes that no container mounts", ArgsUsage: "VOLUME…",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "ignore volumes that do not exist"},
	},
	Action: func(c *cli.Context) error {
		return each(c, func(name string) error {
			return lifecycle.RemoveVolume(c.String("root"), name, c.Bool("force"))
		})
	},
}

var volumePruneCommand = &cli.Command{
	Name: "prune", Category: "Volumes", Usage: "remove anonymous volumes that no container mounts",
	Description: "Filters are label=NAME[=VALUE] and label!=NAME[=VALUE].",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove volumes with a name, too"},
		listFlag("filter", "`NAME=VALUE` remove only volumes that match"),
		pruneForceFlag,
	},
	Action: func(c *cli.Context) error {
		warning := "This will remove all anonymous volumes that no container mounts."
		if c.Bool("all") {
			warning = "This will remove all volumes that no container mounts."
		}
		if err := confirm(c, warning); err != nil {
			return err
		}
		freed, err := pruneVolumes(c, c.Bool("all"))
		fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed)))
		return err
	},
}

// pruneVolumes removes volumes, prints what docker prints, and returns the bytes freed.
func pruneVolumes(c *cli.Context, all bool) (freed int64, err error) {
	removed, freed, err := lifecycle.PruneVolumes(c.String("root"), all, c.StringSlice("filter"))
	if len(removed) > 0 {
		fmt.Println("Deleted Volumes:")
		for _, name := range removed {
			fmt.Println(name)
		}
		fmt.Println()
	}
	return freed, err
}
