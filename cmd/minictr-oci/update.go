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
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// Limits come from a file, in the shape of linux.resources of a config.json, or
// from flags, a flag a limit. What is not mentioned stays as it is.

var updateCommand = &cli.Command{
	Name:      "update",
	Usage:     "change the limits of a container",
	UsageText: "minictr-oci update {--resources FILE | LIMIT…} CONTAINER-ID",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "resources", Aliases: []string{"r"}, Usage: "read linux.resources from `FILE`, - is the standard input"},
		&cli.UintFlag{Name: "blkio-weight", Usage: "share of disk time, 10 to 1000"},
		&cli.Uint64Flag{Name: "cpu-period", Usage: "of --cpu-quota, in microseconds"},
		&cli.Int64Flag{Name: "cpu-quota", Usage: "CPU time in each period, in microseconds"},
		&cli.Uint64Flag{Name: "cpu-burst", Usage: "what may be saved up of it, in microseconds"},
		&cli.Uint64Flag{Name: "cpu-share", Usage: "share of CPU time against other containers, 1024 is usual"},
		&cli.Uint64Flag{Name: "cpu-rt-period", Usage: "not implemented: cgroup v2 has no such limit"},
		&cli.Int64Flag{Name: "cpu-rt-runtime", Usage: "not implemented: cgroup v2 has no such limit"},
		&cli.Int64Flag{Name: "cpu-idle", Usage: "1: only when no other wants the CPU"},
		&cli.StringFlag{Name: "cpuset-cpus", Usage: "CPUs to use, 0-2,7"},
		&cli.StringFlag{Name: "cpuset-mems", Usage: "memory nodes to use, 0-2,7"},
		&cli.StringFlag{Name: "memory", Usage: "limit in bytes, or as in 512m; -1 for none"},
		&cli.StringFlag{Name: "memory-reservation", Usage: "what is kept for it"},
		&cli.StringFlag{Name: "memory-swap", Usage: "limit of memory and swap together; -1 for none"},
		&cli.Int64Flag{Name: "pids-limit", Usage: "processes and threads; -1 for no limit"},
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
			return errors.New("the container has no cgroup, in which limits could be set")
		}
		return cgroup.Update(container.Record.Cgroup, r)
	},
}

// resources are the limits that the command line asks for.
func resources(c *cli.Context) (*specs.LinuxResources, error) {
	name := c.String("resources")
	flags := slices.DeleteFunc(c.LocalFlagNames(), func(flag string) bool { return flag == "resources" || flag == "r" })
	switch {
	case name == "" && len(flags) == 0:
		return nil, hint.New(errors.New("update: no limit given"), "minictr-oci update --help lists them")
	case name == "":
		return fromFlags(c)
	case len(flags) > 0:
		return nil, fmt.Errorf("--resources, --%s: limits come from a file or from flags", flags[0])
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
	for flag, limit := range map[string]**uint64{
		"cpu-period": &cpu.Period, "cpu-burst": &cpu.Burst, "cpu-share": &cpu.Shares, "cpu-rt-period": &cpu.RealtimePeriod,
	} {
		if c.IsSet(flag) {
			*limit = new(c.Uint64(flag))
		}
	}
	for flag, limit := range map[string]**int64{
		"cpu-quota": &cpu.Quota, "cpu-rt-runtime": &cpu.RealtimeRuntime, "cpu-idle": &cpu.Idle, "pids-limit": &pids.Limit,
	} {
		if c.IsSet(flag) {
			*limit = new(c.Int64(flag))
		}
	}
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
	if weight := c.Uint("blkio-weight"); weight > math.MaxUint16 {
		return nil, fmt.Errorf("--blkio-weight %d: greater than %d", weight, math.MaxUint16)
	} else if weight > 0 {
		disk.Weight = new(uint16(weight))
	}
	return &specs.LinuxResources{CPU: cpu, Memory: memory, Pids: pids, BlockIO: disk}, nil
}

// size reads 4096, 512k, 1g, or -1 for none.
func size(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	return units.RAMInBytes(text)
}
