package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/help"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// Limits are read from a file or from flags. A limit that is not given stays.

var updateCommand = &cli.Command{
	Name:      "update",
	Usage:     "change the limits of a container",
	ArgsUsage: "CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.StringFlag{
			Name: "resources", Aliases: []string{"r"},
			Usage: "`FILE` read linux.resources of a config.json; - for standard input",
		},
		help.Heading("Limits"),
		&cli.UintFlag{Name: "blkio-weight", Usage: "`WEIGHT` block I/O weight, 10 to 1000"},
		&cli.Uint64Flag{Name: "cpu-period", Usage: "`MICROSECONDS` period of --cpu-quota"},
		&cli.Int64Flag{Name: "cpu-quota", Usage: "`MICROSECONDS` CPU time in each period"},
		&cli.Uint64Flag{Name: "cpu-burst", Usage: "`MICROSECONDS` unused CPU time that may be accumulated"},
		&cli.Uint64Flag{Name: "cpu-share", Usage: "`NUMBER` CPU weight relative to other containers, by default 1024"},
		&cli.Uint64Flag{Name: "cpu-rt-period", Usage: "`MICROSECONDS` not supported: cgroup v2 has no such limit"},
		&cli.Int64Flag{Name: "cpu-rt-runtime", Usage: "`MICROSECONDS` not supported: cgroup v2 has no such limit"},
		&cli.Int64Flag{Name: "cpu-idle", Usage: "`NUMBER` 1 to run only on idle CPUs"},
		&cli.StringFlag{Name: "cpuset-cpus", Usage: "`LIST` CPUs to run on, as in 0-2,7"},
		&cli.StringFlag{Name: "cpuset-mems", Usage: "`LIST` memory nodes to use, as in 0-2,7"},
		&cli.StringFlag{Name: "memory", Usage: "`BYTES` memory limit, as in 512m; -1 for none"},
		&cli.StringFlag{Name: "memory-reservation", Usage: "`BYTES` memory protected from reclaim (memory.low)"},
		&cli.StringFlag{Name: "memory-swap", Usage: "`BYTES` limit of memory and swap together; -1 for none"},
		&cli.Int64Flag{Name: "pids-limit", Usage: "`NUMBER` maximum number of processes and threads; -1 for none"},
	},
	Action: func(c *cli.Context) error {
		container, err := look(c)
		if err != nil {
			return err
		}
		r, err := resources(c)
		if err != nil {
			return err
		}
		status, err := container.Status()
		if err != nil {
			return err
		}
		if status == specs.StateStopped {
			return fmt.Errorf("%s: %w", container.ID(), state.ErrNotRunning)
		}
		if container.Record.Cgroup == "" {
			return errors.New("container has no cgroup")
		}
		change, err := cgroup.NewChange(container.Record.Cgroup, r)
		if err != nil {
			return err
		}
		return runtime.Update(change, nil)
	},
}

// resources returns the limits that the command line sets.
func resources(c *cli.Context) (*specs.LinuxResources, error) {
	name := c.String("resources")
	flags := slices.DeleteFunc(c.LocalFlagNames(), func(flag string) bool { return flag == "resources" || flag == "r" })
	switch {
	case name == "" && len(flags) == 0:
		return nil, hint.New(errors.New("update: no limit given"), "minictr-oci update --help")
	case name == "":
		return fromFlags(c)
	case len(flags) > 0:
		return nil, fmt.Errorf("--resources and --%s exclude each other", flags[0])
	}
	file, err := input(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return fromFile(file)
}

func fromFile(r io.Reader) (*specs.LinuxResources, error) {
	limits := &specs.LinuxResources{}
	if err := json.NewDecoder(r).Decode(limits); err != nil {
		return nil, fmt.Errorf("--resources: %w", err)
	}
	return limits, nil
}

func fromFlags(c *cli.Context) (*specs.LinuxResources, error) {
	cpu := &specs.LinuxCPU{Cpus: c.String("cpuset-cpus"), Mems: c.String("cpuset-mems")}
	memory, pids, disk := &specs.LinuxMemory{}, &specs.LinuxPids{}, &specs.LinuxBlockIO{}
	// Limits that are numbers.
	for flag, limit := range map[string]**uint64{
		"cpu-period": &cpu.Period, "cpu-burst": &cpu.Burst, "cpu-share": &cpu.Shares,
		"cpu-rt-period": &cpu.RealtimePeriod,
	} {
		if c.IsSet(flag) {
			*limit = new(c.Uint64(flag))
		}
	}
	for flag, limit := range map[string]**int64{
		"cpu-quota": &cpu.Quota, "cpu-rt-runtime": &cpu.RealtimeRuntime, "cpu-idle": &cpu.Idle,
		"pids-limit": &pids.Limit,
	} {
		if c.IsSet(flag) {
			*limit = new(c.Int64(flag))
		}
	}
	// Limits with a unit.
	for flag, limit := range map[string]**int64{
		"memory": &memory.Limit, "memory-reservation": &memory.Reservation, "memory-swap": &memory.Swap,
	} {
		if !c.IsSet(flag) {
			continue
		}
		n, err := size(c.String(flag))
		if err != nil {
			return nil, fmt.Errorf("--%s %q: %w", flag, c.String(flag), err)
		}
		*limit = &n
	}
	// The weight has 16 bits.
	if weight := c.Uint("blkio-weight"); weight > math.MaxUint16 {
		return nil, fmt.Errorf("--blkio-weight %d: greater than %d", weight, math.MaxUint16)
	} else if weight > 0 {
		disk.Weight = new(uint16(weight))
	}
	return &specs.LinuxResources{CPU: cpu, Memory: memory, Pids: pids, BlockIO: disk}, nil
}

// size parses 4096, 512k, 1g, or -1 for none.
func size(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	return units.RAMInBytes(text)
}
