package config

// A cpuset is a list of processors, on which processes may run, or of memory nodes, from
// which they get pages. The kernel ignores a number that is not available; if none of a
// list is, it treats the list as empty, and the container may use all (cgroup-v2.rst,
// "cpuset.cpus.effective"). Here each such number is an error.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setCpuset sets the processors and memory nodes that the container may use (cpuset(7)).
func (l *Limits) setCpuset(r *specs.LinuxResources, host Host) error {
	for _, set := range []struct{ flag, list, available string }{
		{"--cpuset-cpus", l.CpusetCPUs, host.CPUs},
		{"--cpuset-mems", l.CpusetMems, host.Nodes},
	} {
		if err := checkList(set.list, set.available); err != nil {
			return hint.New(fmt.Errorf("%s %q: %w", set.flag, set.list, err),
				"write numbers and ranges, as in 0-2,7; this machine has "+set.available)
		}
	}
	if l.CpusetCPUs+l.CpusetMems == "" {
		return nil
	}
	if r.CPU == nil {
		r.CPU = &specs.LinuxCPU{}
	}
	r.CPU.Cpus, r.CPU.Mems = l.CpusetCPUs, l.CpusetMems
	return nil
}

// numberRange is "0-2", or "7": part of the list format of cpuset(7).
type numberRange struct{ first, last int }

// checkList returns an error unless every number of list is available.
func checkList(list, available string) error {
	if list == "" {
		return nil
	}
	wanted, err := parseList(list)
	if err != nil {
		return err
	}
	present, err := parseList(available)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		inside := false
		for _, p := range present {
			inside = inside || p.first <= w.first && w.last <= p.last
		}
		if !inside {
			return errors.New("not available on this machine")
		}
	}
	return nil
}

func parseList(list string) (set []numberRange, err error) {
	for word := range strings.SplitSeq(list, ",") {
		first, last, two := strings.Cut(word, "-")
		if !two {
			last = first
		}
		a, err := strconv.ParseUint(first, 10, 31)
		b, errLast := strconv.ParseUint(last, 10, 31)
		if err != nil || errLast != nil || a > b {
			return nil, errors.New("not a list of numbers")
		}
		set = append(set, numberRange{int(a), int(b)})
	}
	return set, nil
}
