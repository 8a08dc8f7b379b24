package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

// each does the same with every container that is named, and prints the names of
// those with which it was done.
func each(c *cli.Context, do func(name string) error) error {
	if !c.Args().Present() {
		verb := strings.TrimPrefix(c.Command.HelpName, "minictr ")
		return hint.New(fmt.Errorf("%s: no container named", verb), "write minictr "+verb+" CONTAINER…")
	}
	var failed []error
	for _, name := range c.Args().Slice() {
		if err := do(name); err != nil {
			failed = append(failed, err)
			continue
		}
		fmt.Println(name)
	}
	return errors.Join(failed...)
}
