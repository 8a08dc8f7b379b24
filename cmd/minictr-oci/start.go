package main

import (
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

var startCommand = &cli.Command{
	Name:      "start",
	Usage:     "start a created container",
	ArgsUsage: "CONTAINER-ID",
	Action: func(c *cli.Context) error {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		container, err := state.Open(c.String("root"), id)
		if err != nil {
			return err
		}
		return runtime.StartCreated(container, compile.Options{Wait: true, Outlive: true}, warn)
	},
}
