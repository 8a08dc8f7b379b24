package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/ps"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

var psCommand = &cli.Command{
	Name:        "ps",
	Usage:       "list the processes of a container with their host PIDs",
	ArgsUsage:   "CONTAINER-ID [PS-ARGUMENT…]",
	Description: "The arguments are those of ps(1), by default -ef.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "`FORMAT` table or json"},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c)
		if err != nil {
			return err
		}
		container, err := state.OpenReadOnly(c.String("root"), id)
		if err != nil {
			return err
		}
		list := func() ([]int, error) { return processes(container) }
		switch format := c.String("format"); format {
		case "json":
			pids, err := list()
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(pids)
		case "table":
			lines, err := ps.Lines(list, c.Args().Tail()...)
			for _, line := range lines {
				fmt.Println(line)
			}
			return err
		default:
			return fmt.Errorf("--format %q: not one of table, json", format)
		}
	},
}

// processes returns the PIDs in the container's cgroup: none, if it has stopped.
func processes(container *state.Dir) ([]int, error) {
	group := container.Record.Cgroup
	if group == "" {
		return nil, errors.New("container has no cgroup")
	}
	pids, err := cgroup.Pids(group)
	if errors.Is(err, fs.ErrNotExist) || pids == nil {
		return []int{}, nil
	}
	return pids, err
}
