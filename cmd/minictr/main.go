// Minictr runs containers, and shows which system calls they are made of.
//
// Here is only what is typed: one file a command. What the commands do is in
// the packages: images (what is run), container (how it is to be run), runtime
// (how a process comes to be a container).
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

const exitFailure = 125 // minictr's own failure, as opposed to the program's

func main() {
	// modes in the store are meant as they are written: others than root read
	// some of it, from within a container
	unix.Umask(0o022)
	app := &cli.App{
		Name:                      "minictr",
		Usage:                     "run containers, and see the system calls that make them",
		UseShortOptionHandling:    true,
		DisableSliceFlagSeparator: true,
		HideVersion:               true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root", Usage: "keep images and containers in `DIR`", Value: "/var/lib/minictr", EnvVars: []string{"MINICTR_ROOT"}},
		},
		Commands: slices.Concat(
			in("Containers",
				runCommand, planCommand, createCommand, startCommand, stopCommand, restartCommand, killCommand, pauseCommand, unpauseCommand,
				execCommand, attachCommand, waitCommand, renameCommand, updateCommand, rmCommand, containerCommand, watchCommand, healthCommand),
			in("Containers, looked at",
				psCommand, inspectCommand, logsCommand, statsCommand, topCommand, portCommand, cpCommand, diffCommand),
			in("Images",
				pullCommand, loadCommand, imagesCommand, tagCommand, pushCommand, saveCommand, rmiCommand, pruneCommand,
				historyCommand, layersCommand, loginCommand, logoutCommand),
			in("System",
				gcCommand, fsckCommand, versionCommand),
		),
		CommandNotFound: func(c *cli.Context, name string) {
			exit(hint.New(fmt.Errorf("%q: no such command", name), "minictr --help lists them"))
		},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return hint.New(err, "minictr --help lists the flags")
		},
		ExitErrHandler: func(*cli.Context, error) {},
	}
	for _, c := range app.Commands {
		c.OnUsageError, c.HideHelpCommand = usage, true
	}
	if err := app.Run(os.Args); err != nil {
		exit(err)
	}
}

// in puts commands under a heading of --help.
func in(category string, commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.Category = category
	}
	return commands
}

// usage points at the help of the command rather than printing all of it.
func usage(c *cli.Context, err error, _ bool) error {
	return hint.New(err, c.Command.HelpName+" --help lists the flags")
}

// status is the exit code of a program that ran.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exit ends with the code that docker's users expect: the program's own, 127
// if it is not there, 126 if it cannot be started, 125 for all else.
func exit(err error) {
	var s status
	if errors.As(err, &s) {
		os.Exit(int(s))
	}
	tell(err)
	os.Exit(exitCode(err))
}

// tell prints an error, and what can be done about it.
func tell(err error) {
	fmt.Fprintln(os.Stderr, "minictr: "+printable.String(err.Error()))
	h := hint.Of(err)
	if h == "" && errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0 {
		h = "containers are made by root: sudo minictr …"
	}
	if h != "" {
		fmt.Fprintln(os.Stderr, "hint: "+printable.String(h))
	}
}
