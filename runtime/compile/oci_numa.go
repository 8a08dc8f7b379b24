package compile

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// CPUs and memory nodes are numbered from 0. A config names several of them as
// a list, "0-3,7", and the kernel takes a mask with a bit for each.

// mask is a list's bits in words of 64, the lowest first.
func mask(list string) ([]uint64, error) {
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

func maskMem(words []uint64, text string) *plan.Mem {
	m := &plan.Mem{Text: text}
	for _, w := range words {
		m.Bytes = binary.NativeEndian.AppendUint64(m.Bytes, w)
	}
	return m
}

// schedSetaffinity binds the calling thread, and what it makes, to CPUs.
func schedSetaffinity(list string) (plan.Step, error) {
	words, err := mask(list)
	if err != nil {
		return plan.Step{}, err
	}
	return plan.Syscall("sched_setaffinity", unix.SYS_SCHED_SETAFFINITY, plan.Int(0), plan.Int(len(words)*call.Word), maskMem(words, "["+list+"]")), nil
}

// initialAffinity binds the thread of the host that makes another process in a
// container, and so that process until it is in the container's cgroup (config.md,
// "execCPUAffinity").
func (b *builder) initialAffinity() error {
	a := b.spec.Process.ExecCPUAffinity
	if a == nil || a.Initial == "" {
		return nil
	}
	b.begin("clone", "process.execCPUAffinity.initial")
	s, err := schedSetaffinity(a.Initial)
	b.host("no other CPU is disturbed by the process that is made here", s)
	return err
}

// finalAffinity binds that process once it is there.
func (b *builder) finalAffinity() error {
	a := b.spec.Process.ExecCPUAffinity
	if a == nil || a.Final == "" {
		return nil
	}
	b.begin("session", "process.execCPUAffinity.final")
	s, err := schedSetaffinity(a.Final)
	b.container("the CPUs that it runs on", s)
	return err
}

// memoryPolicy is set_mempolicy(2): which nodes the process's pages come from.
func (b *builder) memoryPolicy() error {
	p := b.linux.MemoryPolicy
	if p == nil {
		return nil
	}
	b.begin("confine", "linux.memoryPolicy")
	mode, ok := call.Bit(string(p.Mode), call.MemoryModes)
	if !ok {
		return fmt.Errorf("linux.memoryPolicy.mode: %q: unknown", p.Mode)
	}
	names := []string{string(p.Mode)}
	for _, name := range p.Flags {
		f, ok := call.Bit(string(name), call.MemoryFlags)
		if !ok {
			return fmt.Errorf("linux.memoryPolicy.flags: %q: unknown", name)
		}
		mode |= f
		names = append(names, string(name))
	}
	var nodes plan.Arg = plan.Null
	bits := 0
	if p.Nodes != "" {
		words, err := mask(p.Nodes)
		if err != nil {
			return fmt.Errorf("linux.memoryPolicy.nodes: %w", err)
		}
		nodes = maskMem(words, "["+p.Nodes+"]")
		bits = len(words)*64 + 1 // the kernel looks at one bit less than it is told
	}
	b.container("the memory nodes that its pages come from", plan.Syscall("set_mempolicy", unix.SYS_SET_MEMPOLICY,
		plan.Named(mode, strings.Join(names, "|")), nodes, plan.Int(bits)))
	return nil
}
