package main

import (
	"errors"
	"os"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/without"
	"github.com/urfave/cli/v2"
)

// partsFlag is --without of run and plan. Without a value it lists the parts.
var partsFlag = listedFlag{&cli.StringFlag{
	Name:  "without",
	Usage: "`PART[,PART…]` leave parts out, on an outer host that protects this computer; alone, list them",
}}

type listedFlag struct{ *cli.StringFlag }

// List prints the parts (help.Lister).
func (listedFlag) List() error { return without.Print(os.Stdout) }

// Check refuses a part that does not exist (help.Checked).
func (listedFlag) Check(c *cli.Context) error {
	_, err := without.Parse(c.String("without"))
	return err
}

// leaveOut sets the parts of --without, if it is given.
func leaveOut(c *cli.Context, o *config.Options) (err error) {
	if c.IsSet("without") {
		o.Without, err = without.Parse(c.String("without"))
	}
	return err
}

// printPlanDiff prints how the plan without parts differs from the one with all.
func printPlanDiff(c *cli.Context) error {
	// the flags
	switch {
	case !c.IsSet("without"):
		return hint.New(errors.New("--diff: needs another plan to compare with"), "add --without PART")
	case c.Bool("json") || c.String("html") != "" || c.String("step") != "":
		return hint.New(errors.New("--diff excludes --json, --html and --step"), "leave out one of them")
	}
	// both plans
	after, err := readPlan(c)
	if err != nil {
		return err
	}
	o := runOptions(c)
	o.Without = without.Compared(o)
	before, err := lifecycle.Plan(c.String("root"), c.Args().First(), o, false)
	if err != nil {
		return err
	}
	return without.Diff(os.Stdout, before, after, plan.Style{Color: stdio.IsTerminal(os.Stdout)})
}
