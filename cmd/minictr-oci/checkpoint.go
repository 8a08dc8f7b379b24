package main

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// Commands of runc and crun that need CRIU, which writes the memory of processes to files.
// podman asks by `checkpoint --help` whether a runtime has them: that fails, too.
var (
	checkpointCommand = refusedCommand("checkpoint")
	restoreCommand    = refusedCommand("restore")
)

// refusedCommand returns a hidden command that refuses whatever follows.
func refusedCommand(name string) *cli.Command {
	return &cli.Command{
		Name: name, Usage: "not implemented", ArgsUsage: "[ARGUMENT…]", Hidden: true, SkipFlagParsing: true,
		Action: func(*cli.Context) error {
			return hint.New(fmt.Errorf("%s: not implemented", name),
				"stop the processes, and let them go on later: minictr-oci pause CONTAINER-ID, minictr-oci resume …")
		},
	}
}
