package main

import (
	"fmt"
	goruntime "runtime"
	"runtime/debug"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// version is set by the Makefile from git.
var version = "unreleased"

var versionCommand = &cli.Command{
	Name:  "version",
	Usage: "print the version",
	Action: func(*cli.Context) error {
		printVersion()
		return nil
	},
}

// printVersion prints the lines of runc --version. docker parses the first two.
func printVersion() {
	fmt.Println("minictr-oci version", version)
	if commit := vcsRevision(); commit != "" {
		fmt.Println("commit:", commit)
	}
	fmt.Println("spec:", specs.Version)
	fmt.Println("go:", goruntime.Version())
}

// vcsRevision returns the commit that the binary was built from, or "".
func vcsRevision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
