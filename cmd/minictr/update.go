package main

import (
	"errors"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

var updateCommand = &cli.Command{
	Name:      "update",
	Usage:     "change the limits and the restart policy of containers",
	ArgsUsage: "CONTAINER…",
	Flags: append([]cli.Flag{
		help.Heading("Common"),
		explainFlag,
		help.Heading("Lifecycle"),
		&cli.StringFlag{Name: "restart", Usage: restartUsage},
	}, limitFlags...),
	Action: update,
}

func update(c *cli.Context) error {
	trace := explain(c)
	if n := len(c.LocalFlagNames()); n == 0 || n == 1 && trace != nil {
		return hint.New(errors.New("update: no limit given"), "minictr update --help")
	}
	return each(c, func(name string) error {
		return lifecycle.Update(c.String("root"), name, limits(c), c.String("restart"), trace)
	})
}
