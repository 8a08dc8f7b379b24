package cgroup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// File is a limit: what to write into which file of a cgroup.
type File struct {
	Name  string // "memory.max"
	Value string
	From  string // the field below linux.resources
	Why   string
}

// Files translates the resources of an OCI config (config-linux.md, "Control
// groups") into files of version 2. The config was made for version 1, so
// some numbers change their scale. A field that is not implemented, or that
// version 2 does not have, is an error that names it.
func Files(r *specs.LinuxResources) ([]File, error) {
	if r == nil {
		return nil, nil
	}
	switch {
	case r.BlockIO != nil:
		return nil, fmt.Errorf("blockIO: not implemented")
	case len(r.HugepageLimits) > 0:
		return nil, fmt.Errorf("hugepageLimits: not implemented")
	case r.Network != nil:
		return nil, fmt.Errorf("network: cgroup v2 has no such controller")
	case len(r.Rdma) > 0:
		return nil, fmt.Errorf("rdma: not implemented")
	}
	var files []File
	for _, part := range []func(*specs.LinuxResources) ([]File, error){memory, cpu, pids, unified} {
		f, err := part(r)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
	return files, nil
}

// Controllers lists the controllers that the files belong to: memory.max is
// of "memory". Files of the core ("cgroup.freeze") need none.
func Controllers(files []File) []string {
	var list []string
	for _, f := range files {
		if c, _, _ := strings.Cut(f.Name, "."); c != "cgroup" && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// number prints a limit, in which -1 means none.
func number(n int64) string {
	if n == -1 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

func memory(r *specs.LinuxResources) (files []File, err error) {
	m := r.Memory
	if m == nil {
		return nil, nil
	}
	switch {
	//lint:ignore SA1019 it is named to be refused
	case m.Kernel != nil || m.KernelTCP != nil:
		return nil, fmt.Errorf("memory.kernel: cgroup v2 counts it with all memory")
	case m.Swappiness != nil:
		return nil, fmt.Errorf("memory.swappiness: cgroup v2 has no such file")
	case m.UseHierarchy != nil && !*m.UseHierarchy:
		return nil, fmt.Errorf("memory.useHierarchy: false: cgroup v2 is always a hierarchy")
	case m.CheckBeforeUpdate != nil && *m.CheckBeforeUpdate:
		return nil, fmt.Errorf("memory.checkBeforeUpdate: not implemented")
	case m.DisableOOMKiller != nil && *m.DisableOOMKiller:
		return nil, fmt.Errorf("memory.disableOOMKiller: cgroup v2 has no such file")
	}
	if m.Limit != nil {
		files = append(files, File{"memory.max", number(*m.Limit), "memory.limit", "bytes of memory, files in the page cache among them; above it the OOM killer comes"})
	}
	if m.Swap != nil {
		swap, err := swapAlone(m)
		if err != nil {
			return nil, err
		}
		files = append(files, File{"memory.swap.max", swap, "memory.swap", "bytes that may be swapped out besides"})
	}
	if m.Reservation != nil {
		files = append(files, File{"memory.low", number(*m.Reservation), "memory.reservation", "bytes that are taken from others first"})
	}
	return files, nil
}

// swapAlone: version 1, and so the config, counts memory and swap together;
// version 2 counts swap alone.
func swapAlone(m *specs.LinuxMemory) (string, error) {
	if *m.Swap == -1 {
		return "max", nil
	}
	if m.Limit == nil || *m.Limit < 0 || *m.Swap < *m.Limit {
		return "", fmt.Errorf("memory.swap: %d is memory and swap together, and needs a memory.limit that is not larger", *m.Swap)
	}
	return number(*m.Swap - *m.Limit), nil
}

func cpu(r *specs.LinuxResources) (files []File, err error) {
	c := r.CPU
	if c == nil {
		return nil, nil
	}
	if c.RealtimePeriod != nil || c.RealtimeRuntime != nil {
		return nil, fmt.Errorf("cpu.realtimeRuntime, cpu.realtimePeriod: cgroup v2 has no such files")
	}
	if c.Shares != nil && *c.Shares != 0 {
		files = append(files, File{"cpu.weight", weight(*c.Shares), "cpu.shares", "its share when others want the CPU too; 100 is everybody's"})
	}
	if c.Quota != nil || c.Period != nil {
		files = append(files, File{"cpu.max", bandwidth(c), "cpu.quota", "microseconds of CPU in each period of so many"})
	}
	if c.Burst != nil {
		files = append(files, File{"cpu.max.burst", strconv.FormatUint(*c.Burst, 10), "cpu.burst", "microseconds that may be saved up"})
	}
	if c.Idle != nil {
		files = append(files, File{"cpu.idle", number(*c.Idle), "cpu.idle", "runs only when nobody else wants to"})
	}
	if c.Cpus != "" {
		files = append(files, File{"cpuset.cpus", c.Cpus, "cpu.cpus", "the CPUs it may run on"})
	}
	if c.Mems != "" {
		files = append(files, File{"cpuset.mems", c.Mems, "cpu.mems", "the memory nodes it may use"})
	}
	return files, nil
}

// weight maps version 1's shares, 2 to 262144, to version 2's weight, 1 to
// 10000, as systemd, runc and crun do.
func weight(shares uint64) string {
	shares = min(max(shares, 2), 262144)
	return strconv.FormatUint(1+(shares-2)*9999/262142, 10)
}

func bandwidth(c *specs.LinuxCPU) string {
	quota, period := "max", uint64(100000)
	if c.Quota != nil && *c.Quota > 0 {
		quota = strconv.FormatInt(*c.Quota, 10)
	}
	if c.Period != nil && *c.Period > 0 {
		period = *c.Period
	}
	return fmt.Sprintf("%s %d", quota, period)
}

func pids(r *specs.LinuxResources) ([]File, error) {
	if r.Pids == nil || r.Pids.Limit == nil || *r.Pids.Limit == 0 {
		return nil, nil
	}
	limit := max(*r.Pids.Limit, -1)
	return []File{{"pids.max", number(limit), "pids.limit", "processes and threads; a fork bomb ends here"}}, nil
}

// unified names files of version 2 directly.
func unified(r *specs.LinuxResources) (files []File, err error) {
	for _, name := range slices.Sorted(maps.Keys(r.Unified)) {
		if strings.Contains(name, "/") || !strings.Contains(name, ".") {
			return nil, fmt.Errorf("unified: %q: not a file of a cgroup", name)
		}
		files = append(files, File{name, r.Unified[name], "unified: " + name, unifiedWhy(name)})
	}
	return files, nil
}

func unifiedWhy(name string) string {
	if name == "memory.oom.group" {
		return "when memory runs out the container is killed as a whole"
	}
	return "as the config says, word for word"
}
