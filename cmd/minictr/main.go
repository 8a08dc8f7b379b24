package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func main() {
	// The modes of files in the store must not depend on the caller's umask: users
	// inside a container read some of them.
	unix.Umask(0o022)
	addRefused(os.Args)
	if err := help.Run(newApp(), os.Args); err != nil {
		exit(err)
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name:  "minictr",
		Usage: "run containers and show the system calls that make them",
		Description: "CONTAINER is the name of a container, its ID or the beginning of its ID, and\n" +
			"IMAGE the name of an image or its ID.",
		UseShortOptionHandling:    true,
		DisableSliceFlagSeparator: true,
		Version:                   version,
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "root", Value: "/var/lib/minictr", EnvVars: []string{"MINICTR_ROOT"},
				Usage: "`DIR` directory of images and containers",
			},
		},
		Commands: slices.Concat(
			help.Commands("Start here", runCommand, planCommand, psCommand, lessonCommand, doctorCommand),
			help.Commands("Run", createCommand, startCommand, execCommand, attachCommand),
			help.Commands("Manage",
				stopCommand, restartCommand, killCommand, pauseCommand, unpauseCommand, waitCommand, renameCommand,
				updateCommand, rmCommand, containerCommand),
			help.Commands("Inspect",
				inspectCommand, logsCommand, statsCommand, topCommand, portCommand, cpCommand, diffCommand,
				exportCommand),
			help.Commands("Images",
				pullCommand, loadCommand, importCommand, imagesCommand, tagCommand, pushCommand, saveCommand,
				rmiCommand, pruneCommand, historyCommand, layersCommand, loginCommand, logoutCommand, imageCommand),
			help.Commands("Volumes", volumeCommand),
			help.Commands("System", infoCommand, eventsCommand, gcCommand, fsckCommand, systemCommand,
				versionCommand),
			[]*cli.Command{monitorCommand, healthCommand}, // hidden: minictr runs them itself
			absentCommands(),
		),
		CommandNotFound: func(c *cli.Context, name string) {
			exit(hint.New(fmt.Errorf("%q: no such command", name), "minictr --help"))
		},
		ExitErrHandler: func(*cli.Context, error) {},
	}
}
