// Beyond a plain container: CPUs and memory nodes
//
// CPUs and memory nodes are numbered from 0. A config names several of them as
// a list, "0-3,7", and the kernel takes a mask with a bit for each.

package compile

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// parseMask returns a list's bits in words of 64, the lowest first.
func parseMask(list string) ([]uint64, error) {
	const most = 8192 // CPUs that Linux can be built for
	var words []uint64
	for part := range strings.SplitSeq(list, ",") {
		low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
		if !ranged {
			high = low
		}
		from, err := strconv.ParseUint(low, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q: want numbers and ranges like 0-3,7", list)
		}
		to, err := strconv.ParseUint(high, 10, 16)
		if err != nil || to < from || to >= most {
			return nil, fmt.Errorf("%q: want numbers and ranges like 0-3,7", list)
		}
		for n := from; n <= to; n++ {
			for uint64(len(words)) <= n/64 {
				words = append(words, 0)
			}
			words[n/64] |= 1 << (n % 64)
		}
	}
	return words, nil
}

// initialAffinity binds the thread of the host that makes another process in a
// container, and so that process until it is in the container's cgroup (runtime-spec,
// config.md, "execCPUAffinity").
func (b *builder) initialAffinity() error {
	a := b.spec.Process.ExecCPUAffinity
	if a == nil || a.Initial == "" {
		return nil
	}
	b.begin("clone", "process.execCPUAffinity.initial")
	return setAffinity(&b.list, plan.Host, "the CPUs that the new process starts on", a.Initial)
}

// finalAffinity binds that process once it is there.
func (b *builder) finalAffinity() error {
	a := b.spec.Process.ExecCPUAffinity
	if a == nil || a.Final == "" {
		return nil
	}
	b.begin("session", "process.execCPUAffinity.final")
	return setAffinity(&b.list, plan.Container, "the CPUs that it runs on", a.Final)
}

func setAffinity(l *list, side plan.Side, why, cpus string) error {
	mask, err := parseMask(cpus)
	if err == nil {
		l.add(side, why, call.SchedSetaffinity(mask, "["+cpus+"]"))
	}
	return err
}

// memoryPolicy sets which nodes the process's pages come from (set_mempolicy(2)). The words of
// the errors are runc's.
func memoryPolicy(l *list, p *specs.LinuxMemoryPolicy) error {
	if p == nil {
		return nil
	}
	l.begin("confine", "linux.memoryPolicy")
	mode, ok := call.Bit(string(p.Mode), call.MemoryModes)
	if !ok {
		return fmt.Errorf("linux.memoryPolicy.mode: invalid memory policy mode %q", p.Mode)
	}
	names := []string{string(p.Mode)}
	set := mode
	for _, name := range p.Flags {
		f, ok := call.Bit(string(name), call.MemoryFlags)
		if !ok {
			return fmt.Errorf("linux.memoryPolicy.flags: invalid memory policy flag %q", name)
		}
		set |= f
		names = append(names, string(name))
	}
	var nodes []uint64
	if p.Nodes != "" {
		var err error
		if nodes, err = parseMask(p.Nodes); err != nil {
			return fmt.Errorf("linux.memoryPolicy.nodes: invalid memory policy nodes %w", err)
		}
	}
	if err := checkNodes(mode, nodes); err != nil {
		return fmt.Errorf("linux.memoryPolicy.nodes: %s: %w", p.Mode, err)
	}
	l.container("the memory nodes that its pages come from",
		call.SetMempolicy(plan.Named(set, strings.Join(names, "|")), nodes, "["+p.Nodes+"]").
			Hint(unix.EINVAL, "name nodes of this machine, as in /sys/devices/system/node/online, "+
				"and flags that the mode takes (set_mempolicy(2))"))
	return nil
}

// checkNodes reports why a mode does not take that many nodes (set_mempolicy(2)).
func checkNodes(mode uint64, nodes []uint64) error {
	count := 0
	for _, word := range nodes {
		count += bits.OnesCount64(word)
	}
	switch {
	case (mode == unix.MPOL_DEFAULT || mode == unix.MPOL_LOCAL) && count > 0:
		return fmt.Errorf("memory policy mode requires 0 nodes but got %d", count)
	case mode != unix.MPOL_DEFAULT && mode != unix.MPOL_LOCAL && mode != unix.MPOL_PREFERRED && count == 0:
		return errors.New("memory policy mode requires at least one node but got 0")
	}
	return nil
}
