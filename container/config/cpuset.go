package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
		if err := checkSet(set.All, set.here); err != nil {
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

// span is "0-2", or "7".
type span struct{ first, last int }

// checkSet is an error unless all that is in list is here, too.
func checkSet(list, here string) error {
	if list == "" {
		return nil
	}
	wanted, err := parseSet(list)
	if err != nil {
		return err
	}
	present, err := parseSet(here)
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

func parseSet(list string) (set []span, err error) {
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
		set = append(set, span{int(a), int(b)})
	}
	return set, nil
}

// readSets are the processors and memory nodes of this machine. A kernel without
// NUMA has one node, and no file for it.
func readSets() (cpus, nodes string, err error) {
	data, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return "", "", err
	}
	cpus = strings.TrimSpace(string(data))
	data, err = os.ReadFile("/sys/devices/system/node/has_memory")
	if errors.Is(err, fs.ErrNotExist) {
		return cpus, "0", nil
	}
	return cpus, strings.TrimSpace(string(data)), err
}
