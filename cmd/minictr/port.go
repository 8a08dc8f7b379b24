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
	Usage:     "list the ports of a container that the host offers",
	UsageText: "minictr port CONTAINER [PORT[/tcp|udp|sctp]]",
	Action:    port,
}

func port(c *cli.Context) error {
	if n := c.NArg(); n != 1 && n != 2 {
		return usage(c, fmt.Errorf("port: it takes a CONTAINER and perhaps a PORT"), true)
	}
	found, err := container.Find(c.String("root"), c.Args().First())
	if err != nil || c.NArg() == 1 {
		return err // networks are none and host: nothing is ever published
	}
	word := c.Args().Get(1)
	number, _, _ := strings.Cut(word, "/")
	if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		return fmt.Errorf("port %q: not a number from 0 to 65535", word)
	}
	return hint.New(fmt.Errorf("no public port '%s' published for %s", word, c.Args().First()),
		"its network is "+inspect.Network(found)+"; with --network host its ports are the host's own")
}
