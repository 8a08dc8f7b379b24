package systemd

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"github.com/minictr/minictr/runtime/cgroup"
)

// systemd has properties for some files of a cgroup (systemd.resource-control(5)). It writes
// these files again when it likes, and leaves the others alone: limits of single disks,
// huge pages, RDMA. Device rules are not told either: without a DevicePolicy systemd does
// not touch the BPF program of the plan, and nothing of it is lost at a daemon-reload.

// Versions of systemd that first have a property.
const (
	hasCPUIdle   = 252 // CPUWeight=0, cpu.idle
	hasOOMPolicy = 253 // OOMPolicy= of a scope
)

// limits returns the properties for files of a cgroup. version returns systemd's.
func limits(files []cgroup.File, version func() int) (list []sd.Property, err error) {
	idle := false
	for _, f := range files {
		var more []sd.Property
		value := strings.TrimSpace(f.Value)
		switch f.Name {
		case "memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max", "pids.max":
			more, err = number(numbers[f.Name], value)
		case "io.weight":
			if !strings.Contains(value, ":") { // of all disks
				more, err = number("IOWeight", strings.TrimPrefix(value, "default "))
			}
		case "cpu.weight":
			if !idle { // cpu.idle comes first in a config, and wins
				more, err = number("CPUWeight", value)
			}
		case "cpu.idle":
			if idle = value == "1" && version() >= hasCPUIdle; idle {
				more, err = number("CPUWeight", "0")
			}
		case "cpu.max":
			more, err = bandwidth(value)
		case "cpuset.cpus":
			more, err = set("AllowedCPUs", value)
		case "cpuset.mems":
			more, err = set("AllowedMemoryNodes", value)
		}
		if err != nil {
			return nil, fmt.Errorf("linux.resources.%s: %q: %w", f.From, f.Value, err)
		}
		list = append(list, more...)
	}
	return list, nil
}

var numbers = map[string]string{
	"memory.max": "MemoryMax", "memory.high": "MemoryHigh", "memory.low": "MemoryLow", "memory.min": "MemoryMin",
	"memory.swap.max": "MemorySwapMax", "pids.max": "TasksMax",
}

func property(name string, value any) sd.Property {
	return sd.Property{Name: name, Value: dbus.MakeVariant(value)}
}

// number returns a property with the number of a file; "max" is systemd's infinity.
func number(name, value string) ([]sd.Property, error) {
	n := uint64(math.MaxUint64)
	if value != "max" {
		var err error
		if n, err = strconv.ParseUint(value, 10, 64); err != nil {
			return nil, err
		}
	}
	return []sd.Property{property(name, n)}, nil
}

// bandwidth returns the properties of cpu.max, "QUOTA PERIOD" in microseconds. systemd
// takes the quota as microseconds in a second, and remembers whole percents of a CPU: the
// number is rounded up, as by runc and crun.
func bandwidth(value string) ([]sd.Property, error) {
	const usual, percent = 100000, 10000
	text, rest, _ := strings.Cut(value, " ")
	period := uint64(usual)
	var list []sd.Property
	if rest != "" {
		n, err := strconv.ParseUint(rest, 10, 64)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("period %q: not a number", rest)
		}
		period = n
		list = append(list, property("CPUQuotaPeriodUSec", period))
	}
	second := uint64(math.MaxUint64)
	if text != "max" {
		quota, err := strconv.ParseUint(text, 10, 64)
		if err != nil || quota > math.MaxUint64/1000000 {
			return nil, fmt.Errorf("quota %q: not a number", text)
		}
		second = (quota*1000000/period + percent - 1) / percent * percent
	}
	return append(list, property("CPUQuotaPerSecUSec", second)), nil
}

// set returns a property with a set of CPUs or memory nodes, "0-2,7": a bit for each, in
// bytes, the lowest first.
func set(name, list string) ([]sd.Property, error) {
	const highest = 1 << 16
	var bits []byte
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, err2 := strconv.ParseUint(last, 10, 16)
		if err != nil || err2 != nil || from > to || to >= highest {
			return nil, fmt.Errorf("%q: not a range of numbers", part)
		}
		for len(bits) <= int(to/8) {
			bits = append(bits, 0)
		}
		for n := from; n <= to; n++ {
			bits[n/8] |= 1 << (n % 8)
		}
	}
	return []sd.Property{property(name, bits)}, nil
}

// oomPolicy returns the property of memory.oom.group. systemd takes it only when it makes
// the unit.
func oomPolicy(files []cgroup.File, version func() int) (list []sd.Property) {
	for _, f := range files {
		if f.Name != "memory.oom.group" || version() < hasOOMPolicy {
			continue
		}
		policy := "continue"
		if f.Value == "1" {
			policy = "kill"
		}
		list = append(list, property("OOMPolicy", policy))
	}
	return list
}
