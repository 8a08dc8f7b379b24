package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (l *Limits) setCpuset(r *specs.LinuxResources, host Host) error {
	for _, set := range []struct{ flag, All, here string }{
		{"--cpuset-cpus", l.CpusetCPUs, host.CPUs},
		{"--cpuset-mems", l.CpusetMems, host.Nodes},
	} {
		if err := checkList(set.All, set.here); err != nil {
			return hint.New(fmt.Errorf("%s %q: %w", set.flag, set.All, err), "write numbers and spans, as in 0-2,7; this machine has "+set.here)
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

// numberRange is "0-2", or "7".
type numberRange struct{ first, last int }

// checkList is an error unless all that is in list is here, too.
func checkList(list, here string) error {
	if list == "" {
		return nil
	}
	wanted, err := parseList(list)
	if err != nil {
		return err
	}
	present, err := parseList(here)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		inside := false
		for _, p := range present {
			inside = inside || p.first <= w.first && w.last <= p.last
		}
		if !inside {
			return errors.New("not all of them are here")
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
