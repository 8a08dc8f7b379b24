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
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "format", Aliases: []string{"f"},
			Usage: "`TEMPLATE` json, or a Go template as in {{.Client.Version}}",
		},
	},
	Action: func(c *cli.Context) error {
		p := programVersion{version, specs.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
		switch format := c.String("format"); format {
		case "":
			_, err := fmt.Printf("minictr %s\nOCI runtime spec %s\n%s %s/%s\n",
				p.Version, p.OCIRuntimeSpec, p.GoVersion, p.Os, p.Arch)
			return err
		case "json":
			return printWith("", versions{p, p})
		default:
			return printFilled(format, []any{versions{p, p}})
		}
	},
}

// versions are those of docker's client and server, which are one program here.
type versions struct{ Client, Server programVersion }

// programVersion has docker's names, but for the version of the OCI runtime spec.
type programVersion struct{ Version, OCIRuntimeSpec, GoVersion, Os, Arch string }
