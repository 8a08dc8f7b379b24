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

// containerCommand has docker's longer names: all of it but prune is elsewhere too.
var containerCommand = &cli.Command{
	Name:      "container",
	Usage:     "the commands for containers under docker's longer names, and container prune",
	UsageText: "minictr container COMMAND …",
	Subcommands: []*cli.Command{
		runCommand, createCommand, startCommand, stopCommand, restartCommand, killCommand, pauseCommand, unpauseCommand,
		execCommand, waitCommand, renameCommand, updateCommand, rmCommand, containerPruneCommand,
		containerLsCommand, containerInspectCommand, logsCommand, statsCommand, topCommand, portCommand, cpCommand, diffCommand,
	},
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return cli.ShowSubcommandHelp(c)
		}
		return hint.New(fmt.Errorf("container %q: no such command", c.Args().First()), "minictr container --help lists them")
	},
}

var containerLsCommand = &cli.Command{
	Name: "ls", Aliases: []string{"list", "ps"},
	Usage: psCommand.Usage, UsageText: psCommand.UsageText, Description: psCommand.Description,
	Flags: psCommand.Flags, Action: psCommand.Action, OnUsageError: usage,
}

var containerInspectCommand = &cli.Command{
	Name: inspectCommand.Name, Usage: "tell all about containers, in docker's JSON",
	UsageText: "minictr container inspect [FLAGS] CONTAINER…", Flags: inspectCommand.Flags, OnUsageError: usage,
	Action: func(c *cli.Context) error {
		if err := c.Set("type", "container"); err != nil {
			return err
		}
		return printInspect(c)
	},
}

var containerPruneCommand = &cli.Command{
	Name:      "prune",
	Usage:     "remove all containers that do not run",
	UsageText: "minictr container prune [-f] [--filter until=TIME] [--filter label[!]=NAME[=VALUE]]",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "do not ask"},
		&cli.StringSliceFlag{Name: "filter", KeepSpace: true, Usage: "those alone for which `NAME=VALUE` holds: until, label, label!"},
	},
	OnUsageError: usage,
	Action:       containerPrune,
}

func containerPrune(c *cli.Context) error {
	if !c.Bool("force") {
		if err := confirm("This will remove all containers that do not run."); err != nil {
			return err
		}
	}
	removed, freed, err := lifecycle.Prune(c.String("root"), c.StringSlice("filter"))
	if len(removed) > 0 {
		fmt.Println("Deleted Containers:")
		for _, id := range removed {
			fmt.Println(id)
		}
		fmt.Println()
	}
	fmt.Println("Total reclaimed space:", units.HumanSize(float64(freed)))
	return err
}

// confirm asks whether to go on. No answer is no.
func confirm(warning string) error {
	fmt.Printf("WARNING! %s\nAre you sure you want to continue? [y/N] ", warning)
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if strings.EqualFold(strings.TrimSpace(answer), "y") {
		return nil
	}
	return hint.New(errors.New("nothing was removed"), "answer y, or do without being asked: -f")
}
