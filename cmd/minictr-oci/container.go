package main

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

// containerID returns the first argument of a command.
func containerID(c *cli.Context) (string, error) {
	id := c.Args().First()
	if id == "" {
		return "", errors.New("container id cannot be empty")
	}
	return id, state.CheckName(id)
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
