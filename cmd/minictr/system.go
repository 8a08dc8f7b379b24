package main

import (
	"errors"
	"fmt"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
)

// systemCommand has docker's commands about containers and images together.
var systemCommand = &cli.Command{
	Name:        "system",
	Usage:       "manage containers and images together",
	Subcommands: []*cli.Command{eventsCommand, infoCommand, systemDfCommand, systemPruneCommand},
}

var systemPruneCommand = &cli.Command{
	Name:     "prune",
	Category: "System",
	Usage:    "remove containers that are not running and images without a name",
	Description: "It removes what interrupted pulls left, too. Filters are until=TIME,\n" +
		"label=NAME[=VALUE] and label!=NAME[=VALUE].",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "remove all images that no container uses"},
		listFlag("filter", "`NAME=VALUE` remove only containers and images that match"),
		pruneForceFlag,
		&cli.BoolFlag{Name: "volumes", Usage: "remove anonymous volumes that no container mounts, too"},
	},
	Action: func(c *cli.Context) error {
		warning := "This will remove all containers that are not running, and all images without a name."
		if c.Bool("all") {
			warning = "This will remove all containers that are not running, and all images that none uses."
		}
		if err := confirm(c, warning); err != nil {
			return err
		}
		// containers first: they use images and volumes
		freed, err := pruneContainers(c)
		if c.Bool("volumes") {
			ofVolumes, wrong := pruneVolumes(c, false)
			freed, err = freed+ofVolumes, errors.Join(err, wrong)
		}
		more, wrong := pruneImages(c)
		fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed+more)))
		return errors.Join(err, wrong)
	},
}
