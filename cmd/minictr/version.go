package main

import (
	"fmt"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// version is set by the Makefile from git.
var version = "unreleased"

var versionCommand = &cli.Command{
	Name:  "version",
	Usage: "print the version",
	Action: func(*cli.Context) error {
		_, err := fmt.Printf("minictr %s\nOCI runtime spec %s\n%s %s/%s\n",
			version, specs.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	},
}
