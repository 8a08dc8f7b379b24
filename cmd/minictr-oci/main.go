// Minictr-oci is the OCI runtime command line over package runtime: a bundle
// goes in, a container comes out. It links nothing that knows of images.
//
// So far it knows one command, run.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/urfave/cli/v2"
)

func main() {
	app := &cli.App{
		Name:           "minictr-oci",
		Usage:          "run containers from OCI bundles",
		Commands:       []*cli.Command{runCommand},
		OnUsageError:   usage,
		ExitErrHandler: func(*cli.Context, error) {},
	}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "minictr-oci: "+plan.Printable(err.Error()))
		if h := hint.Of(err); h != "" {
			fmt.Fprintln(os.Stderr, "hint: "+plan.Printable(h))
		}
		os.Exit(1)
	}
}

// usage leaves a wrong flag to be told as every error is: without the bytes in
// it that steer a terminal.
func usage(_ *cli.Context, err error, _ bool) error { return err }

var runCommand = &cli.Command{
	Name:         "run",
	Usage:        "run the process of a bundle, and wait for it",
	UsageText:    "minictr-oci run [--bundle DIR] CONTAINER-ID",
	OnUsageError: usage,
	Flags:        []cli.Flag{&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "the bundle is `DIR`"}},
	Action: func(c *cli.Context) error {
		if c.NArg() != 1 {
			return errors.New("run: want one container id")
		}
		code, err := run(c.String("bundle"), c.Args().First())
		if err == nil {
			os.Exit(code)
		}
		return err
	},
}

func run(bundle, id string) (code int, err error) {
	if err := runtime.CheckName(id); err != nil {
		return 0, err
	}
	file, err := os.Open(filepath.Join(bundle, "config.json"))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	spec, err := runtime.ReadConfig(file, bundle)
	if err != nil {
		return 0, err
	}
	if spec.Process != nil && spec.Process.Terminal {
		return 0, errors.New("process.terminal: not implemented by this command line")
	}
	mount, err := cgroup.Mount()
	if err != nil {
		return 0, err
	}
	if spec.Linux != nil && spec.Linux.CgroupsPath == "" {
		spec.Linux.CgroupsPath = "/minictr/" + id
	}
	limit, err := runtime.OpenFiles()
	if err != nil {
		return 0, err
	}
	signals := runtime.Signals()
	process, err := runtime.Start(spec, plan.Options{Cgroup2: mount, OpenFiles: limit}, map[plan.Ref]int{}, nil)
	if err != nil {
		return 0, err
	}
	go process.Forward(signals, nil)
	code, err = process.Wait()
	return code, errors.Join(err, process.Close())
}
