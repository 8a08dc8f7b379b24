package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"

	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

// containerID returns the first argument of a command.
func containerID(c *cli.Context) (string, error) {
	id := c.Args().First()
	if id == "" {
		return "", errors.New("container id cannot be empty")
	}
	return id, state.CheckID(id)
}

// regexFlag lets the first argument of a command name several containers, as crun's does.
var regexFlag = &cli.BoolFlag{
	Name: "regex", Aliases: []string{"r"},
	Usage: "CONTAINER-ID is a POSIX extended regular expression: all containers in whose IDs it is found",
}

// forEach does something with the container that the first argument names; with --regex with
// each of those, whatever happens to the others.
func forEach(c *cli.Context, do func(id string) error) error {
	if !c.Bool("regex") {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		return do(id)
	}
	expression, err := regexp.CompilePOSIX(c.Args().First())
	if err != nil {
		return fmt.Errorf("--regex: %w", err)
	}
	list, err := state.List(c.String("root"))
	failed := []error{err}
	for _, container := range list {
		if expression.MatchString(container.ID()) {
			if err := do(container.ID()); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", container.ID(), err))
			}
		}
	}
	return errors.Join(failed...)
}

// input opens the file that a flag names; - is standard input.
func input(name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	return os.Open(name)
}

// look opens the container that the first argument names.
func look(c *cli.Context) (*state.Dir, error) {
	id, err := containerID(c)
	if err != nil {
		return nil, err
	}
	return state.OpenReadOnly(c.String("root"), id)
}
