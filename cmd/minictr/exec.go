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
	Usage:     "run another program in a container",
	UsageText: "minictr exec [FLAGS] CONTAINER COMMAND [ARGUMENT…]",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "do not wait: it lives on, and its output is lost"},
		&cli.BoolFlag{Name: "interactive", Aliases: []string{"i"}, Usage: "let it read standard input"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give it a terminal of its own"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, KeepSpace: true, Usage: "set `NAME=VALUE` besides the container's, or pass NAME on"},
		&cli.StringSliceFlag{Name: "env-file", KeepSpace: true, Usage: "read variables from `FILE`"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "run as `USER[:GROUP]`, names or numbers"},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "start in `DIR`"},
		&cli.BoolFlag{Name: "privileged", Usage: "not there: it may do what the container may"},
	},
	Action: func(c *cli.Context) error {
		if !c.Args().Present() {
			return hint.New(errors.New("exec: no container named"), "write minictr exec CONTAINER COMMAND…")
		}
		if c.Bool("privileged") {
			return hint.New(errors.New("exec --privileged: a process may do what its container may, and not more"),
				"minictr run --privileged or --cap-add makes a container that may do more")
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

// ended is the end of a command that has waited for a program.
func ended(code int, err error) error {
	if err == nil && code != 0 {
		return status(code)
	}
	return err
}
