package cgroup

import (
	"fmt"
	"maps"
	"math"
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

	Optional bool // a kernel without the file is none the worse for it
	Instead  bool // written only where the file before it, an optional one, is not there
}

// Files translates the resources of an OCI config (config-linux.md, "Control
// groups") into files of version 2. The config was made for version 1, so
// some numbers change their scale. 0 is for a number that is not given, as engines
// mean it, but for pids.limit.
// A field that version 2 does not have is an error that names it.
func Files(r *specs.LinuxResources) ([]File, error) {
	if r == nil {
		return nil, nil
	}
	var files []File
	for _, part := range []func(*specs.LinuxResources) ([]File, error){memory, cpu, pids, blockIO, hugetlb, rdma, network, unified} {
		f, err := part(r)
		if err != nil {
			return nil, err
		}
		files = append(files, f...)
	}
	return files, nil
}

// WithoutDefaults leaves out what a new cgroup has by itself, so that a config that asks
// for no more than that needs no controller.
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
		}
		return false
	})
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

// isSet tells whether a number is there and not 0.
func isSet[T int64 | uint64 | uint32 | uint16](n *T) bool { return n != nil && *n != 0 }

func memory(r *specs.LinuxResources) (files []File, err error) {
	m := r.Memory
	if m == nil {
		return nil, nil
	}
	//lint:ignore SA1019 it is named to be refused
	kernel := m.Kernel
	switch {
	case kernel != nil && *kernel > 0 || m.KernelTCP != nil && *m.KernelTCP > 0:
		return nil, fmt.Errorf("memory.kernel: cgroup v2 counts it with all memory")
	case m.Swappiness != nil:
		return nil, fmt.Errorf("memory.swappiness: cgroup v2 has no such file")
	case m.UseHierarchy != nil && !*m.UseHierarchy:
		return nil, fmt.Errorf("memory.useHierarchy: false: cgroup v2 is always a hierarchy")
	case m.DisableOOMKiller != nil && *m.DisableOOMKiller:
		return nil, fmt.Errorf("memory.disableOOMKiller: cgroup v2 has no such file")
	}
	if isSet(m.Limit) {
		files = append(files, File{Name: "memory.max", Value: number(*m.Limit), From: "memory.limit",
			Why: "bytes of memory, files in the page cache among them; above it the OOM killer comes"})
	}
	swap, err := swapOnly(m)
	if err != nil {
		return nil, err
	}
	if swap != "" {
		files = append(files, File{Name: "memory.swap.max", Value: swap, From: "memory.swap",
			Why: "bytes that may be swapped out besides", Optional: swap == "max" || swap == "0"})
	}
	if isSet(m.Reservation) {
		files = append(files, File{Name: "memory.low", Value: number(*m.Reservation), From: "memory.reservation",
			Why: "bytes that are taken from others first"})
	}
	return files, nil
}

// swapOnly: version 1, and so the config, counts memory and swap together;
// version 2 counts swap alone. It is "" for no change.
func swapOnly(m *specs.LinuxMemory) (string, error) {
	switch {
	case !isSet(m.Swap) && m.Limit != nil && *m.Limit == -1:
		return "max", nil
	case !isSet(m.Swap):
		return "", nil
	case *m.Swap == -1 || m.Limit != nil && *m.Limit == -1:
		return number(*m.Swap), nil
	case m.Limit == nil || *m.Limit <= 0 || *m.Swap < *m.Limit:
		return "", fmt.Errorf("memory.swap: %d is memory and swap together, and needs a memory.limit that is not larger", *m.Swap)
	}
	return number(*m.Swap - *m.Limit), nil
}

func cpu(r *specs.LinuxResources) (files []File, err error) {
	c := r.CPU
	if c == nil {
		return nil, nil
	}
	if isSet(c.RealtimePeriod) || isSet(c.RealtimeRuntime) {
		return nil, fmt.Errorf("cpu.realtimeRuntime, cpu.realtimePeriod: cgroup v2 has no such files")
	}
	add := func(name, value, from, why string) {
		files = append(files, File{Name: name, Value: value, From: from, Why: why})
	}
	if c.Idle != nil {
		add("cpu.idle", number(*c.Idle), "cpu.idle", "1 runs only when nobody else wants to")
	}
	if isSet(c.Shares) {
		add("cpu.weight", weight(*c.Shares), "cpu.shares", "its share when others want the CPU too; 100 is everybody's")
	}
	if isSet(c.Quota) || isSet(c.Period) {
		add("cpu.max", bandwidth(c), "cpu.quota", "microseconds of CPU in each period of so many")
	}
	if c.Burst != nil {
		add("cpu.max.burst", strconv.FormatUint(*c.Burst, 10), "cpu.burst", "microseconds that may be saved up")
	}
	if c.Cpus != "" {
		add("cpuset.cpus", c.Cpus, "cpu.cpus", "the CPUs it may run on")
	}
	if c.Mems != "" {
		add("cpuset.mems", c.Mems, "cpu.mems", "the memory nodes it may use")
	}
	return files, nil
}

// weight maps version 1's shares, 2 to 262144, to version 2's weight, 1 to
// 10000. The curve is the one of runc and crun, through both ends and the two
// defaults: 1024 shares are a weight of 100.
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

// bandwidth is "quota period". A quota alone leaves the period as it is:
// 100000 at first.
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

// pids: 0 is a limit, too (config-linux.md, "PIDs"); but the container's own
// process is one, and so the least is 1.
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
		Why: "processes and threads; a fork bomb ends here"}}, nil
}

func network(r *specs.LinuxResources) ([]File, error) {
	if n := r.Network; n != nil && (isSet(n.ClassID) || len(n.Priorities) > 0) {
		return nil, fmt.Errorf("network: cgroup v2 has no such controller")
	}
	return nil, nil
}

// unified names files of version 2 directly. A file such as io.max has a line
// for each device, and takes one line at a time.
func unified(r *specs.LinuxResources) (files []File, err error) {
	for _, name := range slices.Sorted(maps.Keys(r.Unified)) {
		if strings.Contains(name, "/") || !strings.Contains(name, ".") {
			return nil, fmt.Errorf("unified: %q: not a file of a cgroup", name)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(r.Unified[name], "\n"), "\n") {
			files = append(files, File{Name: name, Value: line, From: "unified: " + name, Why: unifiedWhy(name)})
		}
	}
	return files, nil
}

func unifiedWhy(name string) string {
	if name == "memory.oom.group" {
		return "when memory runs out the container is killed as a whole"
	}
	return "as the config says, word for word"
}
