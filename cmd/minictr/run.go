package main

import (
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/urfave/cli/v2"
)

var runCommand = &cli.Command{
	Name:      "run",
	Usage:     "run a program in a new container",
	UsageText: "minictr run [FLAGS] IMAGE [COMMAND [ARGUMENT…]]",
	Flags: append([]cli.Flag{
		&cli.BoolFlag{Name: "explain", Usage: "print each system call with its reason, result and time, on standard error"},
	}, runFlags...),
	Action: run,
}

func run(c *cli.Context) error {
	o, err := runOptions(c)
	if err != nil {
		return err
	}
	var watch func(*plan.Plan) walk.Watch
	var e explainer
	if c.Bool("explain") {
		watch = e.watch
	}
	code, err := container.Run(c.String("root"), c.Args().First(), o, watch)
	if err != nil {
		return err
	}
	if code != 0 {
		return status(code)
	}
	return nil
}

// exitCode sorts failures as docker does.
func exitCode(err error) int {
	if code, ok := runtime.ExecExitCode(err); ok {
		return code
	}
	return exitFailure
}
