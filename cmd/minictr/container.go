package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// containerCommand has docker's longer names. Of its commands, only prune has no other.
var containerCommand = &cli.Command{
	Name:        "container",
	Usage:       "manage containers, with docker's longer names",
	Description: "Commands with the same name without container do the same.",
	Subcommands: []*cli.Command{
		runCommand, createCommand, startCommand, execCommand, attachCommand,
		stopCommand, restartCommand, killCommand, pauseCommand, unpauseCommand, waitCommand, renameCommand,
		updateCommand, rmCommand, containerPruneCommand,
		containerLsCommand, containerInspectCommand, logsCommand, statsCommand, topCommand, portCommand,
		cpCommand, diffCommand, exportCommand, commitCommand,
	},
}

var containerLsCommand = &cli.Command{
	Name: "ls", Aliases: []string{"list", "ps"}, Category: "Inspect",
	Usage: psCommand.Usage, Description: psCommand.Description, Flags: psCommand.Flags, Action: psCommand.Action,
}

var containerInspectCommand = &cli.Command{
	Name: inspectCommand.Name, Category: "Inspect", Usage: "print details of containers as JSON",
	ArgsUsage: "CONTAINER…", Flags: inspectCommand.Flags,
	Action: func(c *cli.Context) error {
		if err := c.Set("type", "container"); err != nil {
			return err
		}
		return printInspect(c)
	},
}

var pruneForceFlag = &cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "do not ask for confirmation"}

var containerPruneCommand = &cli.Command{
	Name:        "prune",
	Category:    "Manage",
	Usage:       "remove all containers that are not running",
	Description: "Filters are until=TIME, label=NAME[=VALUE] and label!=NAME[=VALUE].",
	Flags: []cli.Flag{
		listFlag("filter", "`NAME=VALUE` remove only containers that match"),
		pruneForceFlag,
	},
	Action: containerPrune,
}

func containerPrune(c *cli.Context) error {
	if err := confirm(c, "This will remove all containers that are not running."); err != nil {
		return err
	}
	freed, err := pruneContainers(c)
	fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed)))
	return err
}

// pruneContainers removes containers, prints what docker prints, and returns the bytes
// freed.
func pruneContainers(c *cli.Context) (freed int64, err error) {
	removed, freed, err := lifecycle.Prune(c.String("root"), c.StringSlice("filter"))
	if len(removed) > 0 {
		fmt.Println("Deleted Containers:")
		for _, id := range removed {
			fmt.Println(id)
		}
		fmt.Println()
	}
	return freed, err
}

// confirm asks whether to continue, and returns an error unless the answer is y or
// --force is set.
func confirm(c *cli.Context, warning string) error {
	if c.Bool("force") {
		return nil
	}
	fmt.Printf("WARNING! %s\nAre you sure you want to continue? [y/N] ", warning)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil
	}
	return hint.New(errors.New("nothing was removed"), c.Command.HelpName+" --force")
}
