package cgroup

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// File is a limit: a value to write into a file of a cgroup.
type File struct {
	Name  string // "memory.max"
	Value string
	From  string // the field below linux.resources
	Why   string // the reason, for the plan

	Optional bool // not an error if the kernel has no such file
	Instead  bool // written only if the file before it, which is optional, does not exist
}

// Files translates the resources of an OCI config (config-linux.md, "Control
// groups") into files of version 2. The config was made for version 1, so some
// numbers change their scale. 0 means not set, as engines use it, except for
// pids.limit. A field that version 2 does not have is an error that names it.
func Files(r *specs.LinuxResources) ([]File, error) {
	if r == nil {
		return nil, nil
	}
	var files []File
	type translator func(*specs.LinuxResources) ([]File, error)
	for _, part := range []translator{memory, cpu, pids, blockIO, hugetlb, rdma, network, unified} {
		f, err := part(r)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
	return files, nil
}

// WithoutDefaults leaves out values that a new cgroup has anyway, so that a config
// with those alone needs no controller.
func WithoutDefaults(files []File) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool {
		switch f.Name {
		case "memory.max", "memory.high", "memory.swap.max", "pids.max":
			return f.Value == "max"
		case "cpu.max":
			return f.Value == "max 100000"
		case "cpu.weight":
			return f.Value == "100"
		case "memory.low", "memory.min", "cpu.max.burst", "cpu.idle":
			return f.Value == "0"
		case "io.max":
			return strings.HasSuffix(f.Value, "=max")
		}
		return false
	})
}

// Controllers returns the controllers that the files belong to: memory.max belongs to
// "memory". Core files ("cgroup.freeze") need none.
func Controllers(files []File) []string {
	var list []string
	for _, f := range files {
		if c, _, _ := strings.Cut(f.Name, "."); c != "cgroup" && !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	return list
}

// number prints a limit, -1 for none.
func number(n int64) string {
	if n == -1 {
		return "max"
	}
	return strconv.FormatInt(n, 10)
}

// isSet reports whether a number is there and not 0.
func isSet[T int64 | uint64 | uint32 | uint16](n *T) bool { return n != nil && *n != 0 }

func memory(r *specs.LinuxResources) (files []File, err error) {
	m := r.Memory
	if m == nil {
		return nil, nil
	}
	//lint:ignore SA1019 deprecated, and refused here
	kernel := m.Kernel
	switch {
	case kernel != nil && *kernel > 0 || m.KernelTCP != nil && *m.KernelTCP > 0:
		return nil, fmt.Errorf("memory.kernel: not supported by cgroup v2, which counts it in memory.limit")
	case m.Swappiness != nil:
		return nil, fmt.Errorf("memory.swappiness: not supported by cgroup v2")
	case m.UseHierarchy != nil && !*m.UseHierarchy:
		return nil, fmt.Errorf("memory.useHierarchy: false: not supported by cgroup v2")
	case m.DisableOOMKiller != nil && *m.DisableOOMKiller:
		return nil, fmt.Errorf("memory.disableOOMKiller: not supported by cgroup v2")
	}
	if isSet(m.Limit) {
		files = append(files, File{Name: "memory.max", Value: number(*m.Limit), From: "memory.limit",
			Why: "memory limit in bytes, page cache included; above it the OOM killer runs"})
	}
	swap, err := swapOnly(m)
	if err != nil {
		return nil, err
	}
	if swap != "" {
		files = append(files, File{Name: "memory.swap.max", Value: swap, From: "memory.swap",
			Why: "swap limit in bytes, memory not included", Optional: swap == "max" || swap == "0"})
	}
	if isSet(m.Reservation) {
		files = append(files, File{Name: "memory.low", Value: number(*m.Reservation), From: "memory.reservation",
			Why: "memory protected from reclaim, in bytes"})
	}
	return files, nil
}

// swapOnly returns memory.swap.max, "" for no change. Version 1, and so the config,
// counts memory and swap together; version 2 counts swap alone.
func swapOnly(m *specs.LinuxMemory) (string, error) {
	switch {
	case !isSet(m.Swap) && m.Limit != nil && *m.Limit == -1:
		return "max", nil
	case !isSet(m.Swap):
		return "", nil
	case *m.Swap == -1 || m.Limit != nil && *m.Limit == -1:
		return number(*m.Swap), nil
	case m.Limit == nil || *m.Limit <= 0 || *m.Swap < *m.Limit:
		return "", fmt.Errorf("memory.swap: %d: requires memory.limit, and includes it", *m.Swap)
	}
	return number(*m.Swap - *m.Limit), nil
}

func cpu(r *specs.LinuxResources) (files []File, err error) {
	c := r.CPU
	if c == nil {
		return nil, nil
	}
	if isSet(c.RealtimePeriod) || isSet(c.RealtimeRuntime) {
		return nil, fmt.Errorf("cpu.realtimeRuntime, cpu.realtimePeriod: not supported by cgroup v2")
	}
	add := func(name, value, from, why string) {
		files = append(files, File{Name: name, Value: value, From: from, Why: why})
	}
	if c.Idle != nil {
		add("cpu.idle", number(*c.Idle), "cpu.idle", "1: run only when no other cgroup wants the CPU")
	}
	if isSet(c.Shares) {
		add("cpu.weight", weight(*c.Shares), "cpu.shares", "share of the CPU when others want it; the default is 100")
	}
	if isSet(c.Quota) || isSet(c.Period) {
		add("cpu.max", bandwidth(c), "cpu.quota", "CPU time in each period, both in microseconds")
	}
	if c.Burst != nil {
		add("cpu.max.burst", fmt.Sprint(*c.Burst), "cpu.burst", "microseconds of unused CPU time that may be saved up")
	}
	if c.Cpus != "" {
		add("cpuset.cpus", c.Cpus, "cpu.cpus", "the CPUs it may run on")
	}
	if c.Mems != "" {
		add("cpuset.mems", c.Mems, "cpu.mems", "the memory nodes it may use")
	}
	return files, nil
}

// weight maps the shares of version 1, 2 to 262144, to the weight of version 2, 1 to
// 10000, with the curve of runc and crun: through both ends and the two defaults,
// 1024 shares and a weight of 100.
func weight(shares uint64) string {
	switch {
	case shares <= 2:
		return "1"
	case shares >= 262144:
		return "10000"
	}
	l := math.Log2(float64(shares))
	return strconv.Itoa(int(math.Ceil(math.Pow(10, (l*l+125*l)/612-7.0/34))))
}

// bandwidth returns "quota period", in microseconds. A quota alone leaves the period
// as it is, at first 100000.
func bandwidth(c *specs.LinuxCPU) string {
	quota := "max"
	if isSet(c.Quota) && *c.Quota > 0 {
		quota = strconv.FormatInt(*c.Quota, 10)
	}
	if !isSet(c.Period) {
		return quota
	}
	return fmt.Sprintf("%s %d", quota, *c.Period)
}

// pids takes 0 as a limit, too (config-linux.md, "PIDs"), and sets 1, for the
// container's own process.
func pids(r *specs.LinuxResources) ([]File, error) {
	if r.Pids == nil || r.Pids.Limit == nil {
		return nil, nil
	}
	limit := *r.Pids.Limit
	switch {
	case limit < 0:
		limit = -1
	case limit == 0:
		limit = 1
	}
	return []File{{Name: "pids.max", Value: number(limit), From: "pids.limit",
		Why: "maximum number of processes and threads; stops a fork bomb"}}, nil
}

func network(r *specs.LinuxResources) ([]File, error) {
	if n := r.Network; n != nil && (isSet(n.ClassID) || len(n.Priorities) > 0) {
		return nil, fmt.Errorf("network: not supported by cgroup v2")
	}
	return nil, nil
}

// unified returns files that the config names. A file such as io.max has a line for
// each device, and takes one line at a time. The words of the error are crun's.
func unified(r *specs.LinuxResources) (files []File, err error) {
	for _, name := range slices.Sorted(maps.Keys(r.Unified)) {
		if strings.Contains(name, "/") || !strings.Contains(name, ".") {
			return nil, fmt.Errorf("unified: the specified key has not the form CONTROLLER.VALUE `%s`",
				printable.String(name))
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(r.Unified[name], "\n"), "\n") {
			files = append(files, File{Name: name, Value: line, From: "unified: " + name, Why: unifiedWhy(name)})
		}
	}
	return files, nil
}

func unifiedWhy(name string) string {
	if name == "memory.oom.group" {
		return "when memory runs out, kill the container as a whole"
	}
	return "verbatim from the config"
}
