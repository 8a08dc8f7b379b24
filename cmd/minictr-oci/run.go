package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run the process of a bundle, and wait for it",
	UsageText: "minictr-oci run [--bundle DIR] CONTAINER-ID",
	Flags:     []cli.Flag{&cli.StringFlag{Name: "bundle", Aliases: []string{"b"}, Value: ".", Usage: "the bundle is `DIR`"}},
	Action: func(c *cli.Context) error {
		id, err := containerID(c, 1)
		if err != nil {
			return err
		}
		code, err := run(c.String("bundle"), id)
		if err == nil {
			os.Exit(code)
		}
		return err
	},
}

func run(bundle, id string) (code int, err error) {
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
