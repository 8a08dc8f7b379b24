package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

var eventsCommand = &cli.Command{
	Name:      "events",
	Usage:     "print resource usage at intervals, and out-of-memory kills",
	ArgsUsage: "CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.DurationFlag{Name: "interval", Value: 5 * time.Second, Usage: "`TIME` time between reports, as in 500ms"},
		&cli.BoolFlag{Name: "stats", Usage: "print one report and exit"},
	},
	Action: func(c *cli.Context) error {
		interval := c.Duration("interval")
		if interval <= 0 {
			return errors.New("duration interval must be greater than 0")
		}
		container, err := look(c)
		if err != nil {
			return err
		}
		status, err := container.Status()
		if err != nil {
			return err
		}
		if status == specs.StateStopped {
			return fmt.Errorf("container with id %s is not running", container.ID())
		}
		if container.Record.Cgroup == "" {
			return errors.New("container has no cgroup")
		}
		if c.Bool("stats") {
			return report(container)
		}
		return watch(container, interval)
	},
}

// event is a line of the output, as runc has it: of type "stats" or "oom".
type event struct {
	Type string        `json:"type"`
	ID   string        `json:"id"`
	Data *cgroup.Stats `json:"data,omitempty"`
}

func report(container *state.Dir) error {
	stats, err := cgroup.ReadStats(container.Record.Cgroup)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(event{"stats", container.ID(), stats})
}

// watch prints reports until the container has no process.
func watch(container *state.Dir, interval time.Duration) error {
	kills, err := cgroup.WatchOOM(container.Record.Cgroup)
	if err != nil {
		return err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case _, alive := <-kills:
			if !alive {
				return nil
			}
			if err := json.NewEncoder(os.Stdout).Encode(event{"oom", container.ID(), nil}); err != nil {
				return err
			}
		case <-tick.C:
			if err := report(container); err != nil {
				warn(err) // the kernel may be removing the cgroup
			}
		}
	}
}
