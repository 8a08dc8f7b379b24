package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	osexec "os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/urfave/cli/v2"
)

var psCommand = &cli.Command{
	Name:      "ps",
	Usage:     "list the processes of a container, by their numbers on the host",
	UsageText: "minictr-oci ps [--format json] CONTAINER-ID [PS-OPTION…]   (-ef if none)",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "format", Aliases: []string{"f"}, Value: "table", Usage: "table or json"},
	},
	Action: func(c *cli.Context) error {
		id, err := containerID(c, c.NArg())
		if err != nil {
			return err
		}
		container, err := state.Look(c.String("root"), id)
		if err != nil {
			return err
		}
		pids, err := processes(container)
		if err != nil {
			return err
		}
		switch format := c.String("format"); format {
		case "json":
			return json.NewEncoder(os.Stdout).Encode(pids)
		case "table":
			return ps(c.Args().Tail(), pids)
		default:
			return fmt.Errorf("--format %q: not one of table, json", format)
		}
	},
}

// processes are those in the container's cgroup; of one that has ended, none.
func processes(container *state.Folder) ([]int, error) {
	group := container.Record.Cgroup
	if group == "" {
		return nil, errors.New("the container has no cgroup, which would know its processes")
	}
	pids, err := cgroup.Pids(group)
	if errors.Is(err, fs.ErrNotExist) || pids == nil {
		return []int{}, nil
	}
	return pids, err
}

// ps prints the heading of what the host's ps(1) tells, and the lines about
// these processes.
func ps(options []string, pids []int) error {
	if len(options) == 0 {
		options = []string{"-ef"}
	}
	var stderr strings.Builder
	cmd := osexec.Command("ps", options...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("ps %s: %w: %s", strings.Join(options, " "), err, strings.TrimSpace(stderr.String()))
	}
	column := -1
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if column < 0 {
			if column = slices.Index(fields, "PID"); column < 0 {
				return fmt.Errorf("ps %s: no column PID in what it prints", strings.Join(options, " "))
			}
		} else if column >= len(fields) {
			continue
		} else if pid, err := strconv.Atoi(fields[column]); err != nil || !slices.Contains(pids, pid) {
			continue
		}
		fmt.Print(plan.Printable(line))
	}
	return nil
}
