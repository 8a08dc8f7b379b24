package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

const defaultRoot = "/run/minictr-oci"

func main() {
	cli.VersionPrinter = func(*cli.Context) { printVersion() }
	if err := help.Run(newApp(), os.Args); err != nil {
		fail(err)
	}
}

func newApp() *cli.App {
	return &cli.App{
		Name:    "minictr-oci",
		Usage:   "run containers from OCI bundles",
		Version: version,
		Flags: []cli.Flag{
			&cli.StringFlag{
				Name: "root", Value: defaultRoot,
				Usage: "`DIR` directory of the state of containers",
			},
			&cli.StringFlag{Name: "log", Usage: "`FILE` write errors and warnings to a file, too"},
			&cli.StringFlag{Name: "log-format", Usage: "`FORMAT` format of the log: text or json", Value: "text"},
			&cli.BoolFlag{Name: "debug", Usage: "log debug messages"},
			&cli.BoolFlag{
				Name:  "systemd-cgroup",
				Usage: "create and run: let systemd make the cgroup, a scope; linux.cgroupsPath is SLICE:PREFIX:NAME",
			},
			&cli.StringFlag{
				Name:  "cgroup-manager",
				Usage: "`NAME` cgroupfs, systemd (as --systemd-cgroup) or disabled: without a cgroup",
				Value: cgroupfs,
			},
			&cli.StringFlag{Name: "rootless", Usage: "`MODE` auto or false; true is not supported", Value: "auto"},
		},
		Before: before,
		Commands: slices.Concat(
			help.Commands("Run", createCommand, startCommand, runCommand, execCommand),
			help.Commands("Manage", killCommand, pauseCommand, resumeCommand, updateCommand, deleteCommand),
			help.Commands("Inspect", stateCommand, listCommand, psCommand, eventsCommand),
			help.Commands("System", specCommand, featuresCommand, versionCommand),
			[]*cli.Command{checkpointCommand, restoreCommand},
		),
		CommandNotFound: func(_ *cli.Context, name string) {
			//lint:ignore ST1005 the words are runc's
			fail(hint.New(fmt.Errorf("No help topic for '%s'", name), "minictr-oci --help"))
		},
		ExitErrHandler: func(*cli.Context, error) {},
	}
}

// before handles the flags of the app.
func before(c *cli.Context) error {
	if err := log.open(c.String("log"), c.String("log-format"), c.Bool("debug")); err != nil {
		return err
	}
	log.debug("%q", os.Args)
	if mode := c.String("rootless"); mode != "auto" && mode != "" {
		if on, err := strconv.ParseBool(mode); err != nil {
			return fmt.Errorf("--rootless %q: not one of true, false, auto", mode)
		} else if on {
			return hint.New(errors.New("--rootless true: not implemented"), "sudo minictr-oci …")
		}
	}
	if err := checkManager(c.String("cgroup-manager")); err != nil {
		return err
	}
	// An absolute root: the state is found from any directory.
	root, err := filepath.Abs(c.String("root"))
	if err != nil {
		return err
	}
	if root == "/" {
		return errors.New("--root: must not be /")
	}
	return c.Set("root", root)
}
