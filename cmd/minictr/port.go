package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/inspect"
	"github.com/minictr/minictr/hint"
	"github.com/urfave/cli/v2"
)

var portCommand = &cli.Command{
	Name:      "port",
	Usage:     "list published ports",
	ArgsUsage: "CONTAINER [PORT[/PROTOCOL]]",
	Action:    port,
}

func port(c *cli.Context) error {
	found, err := container.Find(c.String("root"), c.Args().First())
	if err != nil || c.NArg() == 1 {
		return err // with network none or host no port is published
	}
	word := c.Args().Get(1)
	number, _, _ := strings.Cut(word, "/")
	if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		return fmt.Errorf("port %q: not a number from 0 to 65535", word)
	}
	return hint.New(fmt.Errorf("no public port '%s' published for %s", word, c.Args().First()),
		"the container has --network "+inspect.Network(found)+"; ports of --network host are the host's")
}
