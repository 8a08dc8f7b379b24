package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/urfave/cli/v2"
)

var planCommand = &cli.Command{
	Name:        "plan",
	Usage:       "print the system calls that run would make, without making them",
	ArgsUsage:   "IMAGE [COMMAND [ARGUMENT…]]\n--config=FILE",
	Description: "The other flags are those of run.",
	Flags: slices.Concat([]cli.Flag{
		help.Heading("Plan"),
		&cli.StringFlag{Name: "config", Usage: "`FILE` plan an OCI config.json; - for standard input"},
		&cli.BoolFlag{Name: "json", Usage: "print the plan as JSON"},
		stepFlag("print the plan of run --step: with a stop before each call of the container's process"),
		partsFlag,
		&cli.BoolFlag{Name: "diff", Usage: "print what --without changes: calls that go (-) and come (+); exit code 0"},
		&cli.StringFlag{Name: "html", Usage: "`FILE` write the plan as an HTML page; - for standard output"},
	}, commonFlags, runFlags),
	Action: printPlan,
}

func printPlan(c *cli.Context) error {
	if c.Bool("diff") {
		return printPlanDiff(c)
	}
	p, err := readPlan(c)
	if err != nil {
		return err
	}
	switch file := c.String("html"); {
	case file != "" && c.Bool("json"):
		return hint.New(errors.New("--html and --json exclude each other"), "leave out one of them")
	case file != "":
		return writePlanPage(c, p, file)
	case c.Bool("json"):
		return json.NewEncoder(os.Stdout).Encode(p)
	}
	return p.Print(os.Stdout, plan.Style{Color: stdio.IsTerminal(os.Stdout)})
}

// readPlan returns the plan of run with the same flags, or that of --config.
func readPlan(c *cli.Context) (*plan.Plan, error) {
	_, stops, err := stepUnit(c)
	if err != nil {
		return nil, err
	}
	// A plan of run.
	file := c.String("config")
	if file == "" {
		o := runOptions(c)
		if err := leaveOut(c, o); err != nil {
			return nil, err
		}
		return lifecycle.Plan(c.String("root"), c.Args().First(), o, stops)
	}
	if err := checkNoRunFlags(c); err != nil {
		return nil, err
	}
	// The config of another runtime.
	in, dir := io.ReadCloser(os.Stdin), "."
	if file != "-" {
		var err error
		if in, err = os.Open(file); err != nil {
			return nil, hint.New(err, "minictr plan --config BUNDLE/config.json")
		}
		dir = filepath.Dir(file)
	}
	defer in.Close()
	spec, err := runtime.ReadConfig(in, dir)
	if err != nil {
		return nil, err
	}
	// Its plan.
	mount, err := cgroup.Mount()
	if err != nil {
		return nil, err
	}
	options := runtime.ProcessOptions{Options: compile.Options{Cgroup2: mount, Stops: stops}}
	switch l := spec.Linux; {
	case l == nil:
	case l.CgroupsPath == "":
		l.CgroupsPath = "/minictr/ID"
	case strings.Count(l.CgroupsPath, ":") == 2: // as with minictr-oci --systemd-cgroup
		if err := options.InScope(spec, ""); err != nil {
			return nil, err
		}
	}
	options.SetHome(spec)
	return compile.Compile(spec, options.Options)
}

// checkNoRunFlags returns an error if a flag of run is set: --config leaves it without
// effect.
func checkNoRunFlags(c *cli.Context) error {
	for _, name := range c.LocalFlagNames() {
		if len(name) > 1 && !slices.Contains([]string{"config", "json", "html", "step"}, name) {
			return hint.New(fmt.Errorf("--config and --%s exclude each other", name), "minictr plan --help")
		}
	}
	return nil
}
