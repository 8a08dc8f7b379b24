package main

import (
	"errors"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var execCommand = &cli.Command{
	Name:      "exec",
	Usage:     "run a program in a running container",
	ArgsUsage: "CONTAINER COMMAND [ARGUMENT…]",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "run in the background, without output"},
		listFlag("env", envUsage, "e"),
		listFlag("env-file", "`FILE` read environment variables from a file"),
		&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "keep standard input open"},
		&cli.BoolFlag{Name: "privileged", Usage: "not supported"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "allocate a pseudo-terminal"},
		&cli.StringFlag{
			Name: "user", Aliases: []string{"u"},
			Usage: "`USER[:GROUP]` user and group, as names or numbers",
		},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "`DIR` working directory"},
	},
	Action: func(c *cli.Context) error {
		if c.Bool("privileged") {
			return hint.New(errors.New("exec --privileged: a process cannot have more privileges than its container"),
				"minictr run --privileged IMAGE")
		}
		o := &config.Options{
			Command: c.Args().Tail(), Interactive: c.Bool("interactive"), TTY: c.Bool("tty"),
			Env: c.StringSlice("env"), EnvFiles: c.StringSlice("env-file"),
			User: c.String("user"), Workdir: c.String("workdir"),
		}
		code, err := lifecycle.Exec(c.String("root"), c.Args().First(), o, c.Bool("detach"))
		return ended(code, err)
	},
}

// ended returns the exit code of a program as an error, or the error of waiting for it.
func ended(code int, err error) error {
	if err == nil && code != 0 {
		return status(code)
	}
	return err
}
