package container

// Resources: what the container's cgroup may use, in the units of the OCI
// config; the plan turns them into cgroup v2's files.
//
// A memory limit comes with two companions. swap is memory and swap together
// and, as in docker, twice the memory unless said otherwise: without it a
// limit would only move pages to disk. memory.oom.group lets the kernel kill
// the container as a whole, since half a container is seldom any use. A limit
// on processes is there from the start: a fork bomb is one line of shell.
//
// Rlimits are older and count otherwise: each process has its own set of them,
// which its children inherit (getrlimit(2)).

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/docker/go-units"
	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	pidsDefault  = 2048
	memoryMin    = 6 << 20 // docker's: less cannot start a process
	memoryMax    = math.MaxInt64 / 2
	cpuPeriod    = 100_000 // microseconds
	cpusMin      = 0.01    // the shortest quota the kernel takes is 1 ms
	cpusMax      = 8192    // CONFIG_NR_CPUS
	cpuSharesMin = 2
	cpuSharesMax = 262_144
	swapHint     = "--memory-swap is memory and swap together: give --memory too, and not more than that"
)

func (c *config) setResources() error {
	r := c.spec.Linux.Resources
	if err := c.setMemory(r); err != nil {
		return err
	}
	if err := c.setCPU(r); err != nil {
		return err
	}
	return c.setPids(r)
}

func (c *config) setMemory(r *specs.LinuxResources) error {
	limit, err := parseMemory("--memory", c.o.Memory)
	if err != nil {
		return err
	}
	if limit == 0 {
		if c.o.MemorySwap != "" && c.o.MemorySwap != "0" && c.o.MemorySwap != "-1" {
			return hint.New(fmt.Errorf("--memory-swap %q: no memory limit", c.o.MemorySwap), swapHint)
		}
		return nil
	}
	if limit < memoryMin {
		return fmt.Errorf("--memory %q: less than 6m, too little to start a process", c.o.Memory)
	}
	swap, err := c.swap(limit)
	if err != nil {
		return err
	}
	r.Memory = &specs.LinuxMemory{Limit: &limit, Swap: &swap}
	r.Unified = map[string]string{"memory.oom.group": "1"}
	return nil
}

// swap is the limit of memory and swap together, -1 for none.
func (c *config) swap(memory int64) (int64, error) {
	if c.o.MemorySwap == "-1" {
		return -1, nil
	}
	swap, err := parseMemory("--memory-swap", c.o.MemorySwap)
	switch {
	case err != nil:
		return 0, err
	case swap == 0:
		return 2 * memory, nil
	case swap < memory:
		return 0, hint.New(fmt.Errorf("--memory-swap %q: less than --memory %q", c.o.MemorySwap, c.o.Memory), swapHint)
	}
	return swap, nil
}

// parseMemory reads a number of bytes with docker's units: b, k, m and g, which
// are powers of 1024. No word is 0.
func parseMemory(flag, word string) (int64, error) {
	if word == "" {
		return 0, nil
	}
	n, err := units.RAMInBytes(word)
	if err != nil || n < 0 || n > memoryMax {
		return 0, hint.New(fmt.Errorf("%s %q: not a size", flag, word), "write a number and b, k, m or g, as in 512m")
	}
	return n, nil
}

func (c *config) setCPU(r *specs.LinuxResources) error {
	var cpu specs.LinuxCPU
	if c.o.CPUs != "" && c.o.CPUs != "0" {
		n, err := strconv.ParseFloat(c.o.CPUs, 64)
		if err != nil || !(cpusMin <= n && n <= cpusMax) {
			return hint.New(fmt.Errorf("--cpus %q: not a number of processors", c.o.CPUs), "write 0.01 or more, as in --cpus 1.5")
		}
		quota, period := int64(math.Round(n*cpuPeriod)), uint64(cpuPeriod)
		cpu.Quota, cpu.Period = &quota, &period
	}
	if shares := c.o.CPUShares; shares != 0 {
		if shares < cpuSharesMin || shares > cpuSharesMax {
			return fmt.Errorf("--cpu-shares %d: not between %d and %d", shares, cpuSharesMin, cpuSharesMax)
		}
		cpu.Shares = &shares
	}
	if cpu != (specs.LinuxCPU{}) {
		r.CPU = &cpu
	}
	return nil
}

// setPids limits the number of processes: 0 and -1 mean no limit.
func (c *config) setPids(r *specs.LinuxResources) error {
	limit := int64(pidsDefault)
	switch {
	case c.o.PidsLimit != nil:
		limit = *c.o.PidsLimit
	case !slices.Contains(c.host.Controllers, "pids"):
		return nil
	}
	if limit < -1 {
		return hint.New(fmt.Errorf("--pids-limit %d: negative", limit), "-1 means no limit")
	}
	if limit > 0 {
		r.Pids = &specs.LinuxPids{Limit: &limit}
	}
	return nil
}

// setRlimits reads --ulimit, in the kernel's units; -1 is no limit. Of two for
// one resource the later counts.
func (c *config) setRlimits() error {
	for _, word := range c.o.Ulimits {
		u, err := parseUlimit(word)
		if err != nil {
			return hint.New(fmt.Errorf("--ulimit %q: %w", word, err), "write NAME=SOFT[:HARD], as in nofile=1024:4096")
		}
		same := func(r specs.POSIXRlimit) bool { return r.Type == u.Type }
		c.spec.Process.Rlimits = append(slices.DeleteFunc(c.spec.Process.Rlimits, same), u)
	}
	return nil
}

func parseUlimit(word string) (specs.POSIXRlimit, error) {
	if strings.ContainsFunc(word, unicode.IsControl) {
		return specs.POSIXRlimit{}, errors.New("holds a control byte")
	}
	u, err := units.ParseUlimit(word)
	if err != nil {
		return specs.POSIXRlimit{}, err
	}
	if u.Soft < -1 || u.Hard < -1 {
		return specs.POSIXRlimit{}, errors.New("negative")
	}
	return specs.POSIXRlimit{Type: "RLIMIT_" + strings.ToUpper(u.Name), Soft: uint64(u.Soft), Hard: uint64(u.Hard)}, nil
}
