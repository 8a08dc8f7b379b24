// Minictr-oci is the OCI runtime command line over package runtime: what runc
// defined and podman, docker and containerd speak. A bundle goes in, a
// container comes out. It links nothing that knows of images.
//
// Here is only what is typed: one file a command. Names, flags, the shape of
// JSON and the words of errors that engines look for are runc's.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

func main() {
	cli.VersionPrinter = func(*cli.Context) { printVersion() }
	app := &cli.App{
		Name:    "minictr-oci",
		Usage:   "run containers from OCI bundles",
		Version: version,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "root", Usage: "keep the state of containers in `DIR`", Value: "/run/minictr-oci"},
			&cli.StringFlag{Name: "log", Usage: "write errors and warnings to `FILE`, too"},
			&cli.StringFlag{Name: "log-format", Usage: "of that file: text or json", Value: "text"},
			&cli.BoolFlag{Name: "debug", Usage: "log more"},
			&cli.BoolFlag{Name: "systemd-cgroup", Usage: "not implemented: cgroups are made without systemd"},
			&cli.StringFlag{Name: "rootless", Usage: "true is not implemented; false and auto are accepted", Value: "auto"},
		},
		Before: before,
		Commands: []*cli.Command{
			createCommand, startCommand, runCommand, execCommand,
			stateCommand, listCommand, psCommand, eventsCommand, killCommand, pauseCommand, resumeCommand, updateCommand, deleteCommand,
			specCommand, featuresCommand, versionCommand,
		},
		CommandNotFound: func(_ *cli.Context, name string) {
			fail(hint.New(fmt.Errorf("%q: no such command", name), "minictr-oci --help lists them"))
		},
		OnUsageError:   usage,
		ExitErrHandler: func(*cli.Context, error) {},
	}
	keepNamed(app, os.Args)
	for _, c := range app.Commands {
		c.OnUsageError = usage
	}
	if err := app.Run(os.Args); err != nil {
		fail(err)
	}
}

// keepNamed leaves out the commands that the arguments do not name: to set up each
// takes time, and engines call us often. If none is named all stay, for --help.
func keepNamed(app *cli.App, args []string) {
	named := slices.DeleteFunc(slices.Clone(app.Commands), func(c *cli.Command) bool { return !slices.Contains(args, c.Name) })
	if len(named) > 0 && !slices.Contains(args, "help") {
		app.Commands = named
	}
}

// usage leaves a wrong flag to be told as every error is: without the bytes in
// it that steer a terminal.
func usage(_ *cli.Context, err error, _ bool) error { return err }

// before heeds the flags that all commands have.
func before(c *cli.Context) error {
	if err := log.open(c.String("log"), c.String("log-format"), c.Bool("debug")); err != nil {
		return err
	}
	log.debug("%q", os.Args)
	if c.Bool("systemd-cgroup") {
		return hint.New(errors.New("--systemd-cgroup: not implemented"),
			"minictr-oci makes cgroups itself: --cgroup-manager=cgroupfs for podman, native.cgroupdriver=cgroupfs for docker, SystemdCgroup=false for containerd")
	}
	if mode := c.String("rootless"); mode != "auto" && mode != "" {
		if on, err := strconv.ParseBool(mode); err != nil {
			return fmt.Errorf("--rootless %q: not one of true, false, auto", mode)
		} else if on {
			return hint.New(errors.New("--rootless true: not implemented"), "containers are made by root")
		}
	}
	root, err := filepath.Abs(c.String("root"))
	if err != nil {
		return err
	}
	if root == "/" {
		return errors.New("--root /: not a folder for the state of containers")
	}
	return c.Set("root", root)
}

// containerID is the first argument of a command that wants no more than most.
func containerID(c *cli.Context, most int) (string, error) {
	id := c.Args().First()
	if id == "" {
		return "", errors.New("container id cannot be empty")
	}
	if c.NArg() > most {
		return "", hint.New(fmt.Errorf("%s: %q: an argument too many", c.Command.Name, c.Args().Get(most)), "flags stand before the container's id")
	}
	return id, state.CheckName(id)
}

// input opens the file that a flag names; - is the standard input.
func input(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}

// look finds the container that the only argument names.
func look(c *cli.Context) (*state.Dir, error) {
	id, err := containerID(c, 1)
	if err != nil {
		return nil, err
	}
	return state.OpenReadOnly(c.String("root"), id)
}
