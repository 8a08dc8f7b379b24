package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var planCommand = &cli.Command{
	Name:  "plan",
	Usage: "print the system calls that run would make, and make none",
	UsageText: "minictr plan [FLAGS OF run] IMAGE [COMMAND [ARGUMENT…]]\n" +
		"minictr plan --config config.json",
	Flags: append([]cli.Flag{
		&cli.StringFlag{Name: "config", Usage: "plan the OCI config in `FILE` (or -), of any runtime"},
		&cli.BoolFlag{Name: "json", Usage: "print the plan as JSON, every argument in full"},
	}, runFlags...),
	Action: printPlan,
}

func printPlan(c *cli.Context) error {
	p, err := readPlan(c)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return json.NewEncoder(os.Stdout).Encode(p)
	}
	return p.Print(os.Stdout, plan.Style{Color: stdio.IsTerminal(os.Stdout)})
}

func readPlan(c *cli.Context) (*plan.Plan, error) {
	file := c.String("config")
	if file == "" {
		o, err := runOptions(c)
		if err != nil {
			return nil, err
		}
		return lifecycle.Plan(c.String("root"), c.Args().First(), o)
	}
	if c.Args().Present() {
		return nil, fmt.Errorf("--config %q: an image is named too", file)
	}
	if err := checkNoRunFlags(c); err != nil {
		return nil, err
	}
	in, folder := io.ReadCloser(os.Stdin), "."
	if file != "-" {
		var err error
		if in, err = os.Open(file); err != nil {
			return nil, hint.New(err, "name the config.json of a bundle, or - for standard input")
		}
		folder = filepath.Dir(file)
	}
	defer in.Close()
	spec, err := runtime.ReadConfig(in, folder)
	if err != nil {
		return nil, err
	}
	mount, err := cgroup.Mount()
	if err != nil {
		return nil, err
	}
	if spec.Linux != nil && spec.Linux.CgroupsPath == "" {
		spec.Linux.CgroupsPath = "/minictr/ID"
	}
	return compile.Compile(spec, compile.Options{Cgroup2: mount})
}

// checkNoRunFlags refuses flags that a given config has no use for.
func checkNoRunFlags(c *cli.Context) error {
	for _, f := range runFlags {
		if name := f.Names()[0]; c.IsSet(name) {
			return hint.New(fmt.Errorf("--config and --%s: a config says all by itself", name), "write it into the config, or leave out --config")
		}
	}
	return nil
}
