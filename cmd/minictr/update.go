package main

import (
	"errors"

	"github.com/minictr/minictr/container/lifecycle"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var updateCommand = &cli.Command{
	Name:      "update",
	Usage:     "change the limits of containers, while they run and from then on",
	UsageText: "minictr update LIMIT… CONTAINER…   (what is not named stays)",
	Flags: append([]cli.Flag{
		&cli.StringFlag{Name: "restart", Usage: "begin again by itself: `no|on-failure[:N]|always|unless-stopped`"},
	}, limitFlags...),
	Action: update,
}

func update(c *cli.Context) error {
	names, err := words(c, -1, "one CONTAINER or more")
	if err != nil {
		return err
	}
	if len(c.LocalFlagNames()) == 0 {
		return hint.New(errors.New("update: no limit given"), "minictr update --help lists them")
	}
	return inTurn(names, func(name string) error {
		return lifecycle.Update(c.String("root"), name, limits(c), c.String("restart"))
	})
}
