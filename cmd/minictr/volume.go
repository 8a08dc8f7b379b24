package main

import (
	"errors"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// volumeCommand refuses docker's commands for named volumes, which do not exist.
var volumeCommand = &cli.Command{
	Name: "volume", Usage: "not implemented: named volumes", ArgsUsage: "[ARGUMENT…]",
	Hidden: true, SkipFlagParsing: true,
	Action: func(*cli.Context) error {
		return hint.New(errors.New("volume: named volumes are not implemented"),
			"mount a directory of the host: minictr run -v HOSTDIR:DIR IMAGE")
	},
}
