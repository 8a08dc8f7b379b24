package compile

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// How the kernel treats the process when others want the same: which thread
// gets the CPU (sched(7)), whose request the disk serves first (ioprio_set(2)),
// and on which node its memory lies (numa.go). All of it is inherited by every
// process that the container's first one makes, and survives execve.

// treatment is made while the child still has CAP_SYS_NICE, which whoever wants
// more than others needs.
func (b *builder) treatment() error {
	for _, part := range []func() error{b.scheduler, b.ioPriority, b.memoryPolicy, b.personality} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) scheduler() error {
	s := b.spec.Process.Scheduler
	if s == nil {
		return nil
	}
	b.begin("confine", "process.scheduler")
	policy, ok := call.Bit(string(s.Policy), call.Schedulers)
	if !ok {
		return fmt.Errorf("process.scheduler.policy: %q: unknown", s.Policy)
	}
	timed := policy == unix.SCHED_DEADLINE
	fixed := policy == unix.SCHED_FIFO || policy == unix.SCHED_RR
	switch {
	case !fixed && s.Priority != 0:
		return fmt.Errorf("process.scheduler.priority: %d: only SCHED_FIFO and SCHED_RR have one", s.Priority)
	case !fixed && !timed && (s.Nice < -20 || s.Nice > 19):
		return fmt.Errorf("process.scheduler.nice: %d: want -20 to 19", s.Nice)
	case !timed && s.Runtime|s.Deadline|s.Period != 0:
		return fmt.Errorf("process.scheduler.runtime, deadline, period: only SCHED_DEADLINE has them")
	}
	var set uint64
	for _, name := range s.Flags {
		f, ok := call.Bit(string(name), call.SchedulerFlags)
		if !ok {
			return fmt.Errorf("process.scheduler.flags: %q: unknown", name)
		}
		set |= f
	}
	b.container("by which rule it gets the CPU", schedSetattr(policy, set, s))
	return nil
}

// schedSetattr is sched_setattr(2) of the caller itself.
func schedSetattr(policy, set uint64, s *specs.Scheduler) plan.Step {
	m := &plan.Mem{}
	word32 := func(n uint32) { m.Bytes = binary.NativeEndian.AppendUint32(m.Bytes, n) }
	word64 := func(n uint64) { m.Bytes = binary.NativeEndian.AppendUint64(m.Bytes, n) }
	word32(unix.SizeofSchedAttr)
	word32(uint32(policy))
	word64(set)
	word32(uint32(s.Nice))
	word32(uint32(s.Priority))
	word64(s.Runtime)
	word64(s.Deadline)
	word64(s.Period)
	word64(0) // util_min, util_max
	text := []string{"sched_policy=" + string(s.Policy), fmt.Sprintf("sched_nice=%d", s.Nice)}
	if set != 0 {
		text = append(text, "sched_flags="+call.Flags(set, call.SchedulerFlags).Text)
	}
	if s.Priority != 0 {
		text = append(text, fmt.Sprintf("sched_priority=%d", s.Priority))
	}
	if policy == unix.SCHED_DEADLINE {
		text = append(text, fmt.Sprintf("sched_runtime=%d, sched_deadline=%d, sched_period=%d", s.Runtime, s.Deadline, s.Period))
	}
	m.Text = "{" + strings.Join(text, ", ") + "}"
	return plan.Syscall("sched_setattr", unix.SYS_SCHED_SETATTR, plan.Int(0), m, plan.Int(0))
}

// ioPriority of the process group: the child leads one, since setsid.
func (b *builder) ioPriority() error {
	p := b.spec.Process.IOPriority
	if p == nil {
		return nil
	}
	b.begin("confine", "process.ioPriority")
	class, ok := call.Bit(string(p.Class), call.IoClasses)
	if !ok {
		return fmt.Errorf("process.ioPriority.class: %q: unknown", p.Class)
	}
	if p.Priority < 0 || p.Priority > 7 {
		return fmt.Errorf("process.ioPriority.priority: %d: want 0, the first, to 7", p.Priority)
	}
	const processGroup, classShift = 2, 13
	b.container("whose turn it is at the disk", plan.Syscall("ioprio_set", unix.SYS_IOPRIO_SET,
		plan.Named(processGroup, "IOPRIO_WHO_PGRP"), plan.Int(0),
		plan.Named(class<<classShift|uint64(p.Priority), fmt.Sprintf("IOPRIO_PRIO_VALUE(%s, %d)", p.Class, p.Priority))))
	return nil
}

// personality(2): with PER_LINUX32 uname(2) tells of a 32-bit machine.
func (b *builder) personality() error {
	p := b.linux.Personality
	if p == nil {
		return nil
	}
	b.begin("confine", "linux.personality")
	domain, ok := call.Bit("PER_"+string(p.Domain), call.Personalities)
	if !ok {
		return fmt.Errorf("linux.personality.domain: %q: want LINUX or LINUX32", p.Domain)
	}
	if len(p.Flags) > 0 {
		return fmt.Errorf("linux.personality.flags: %q: there are none (config-linux.md)", p.Flags[0])
	}
	b.container("which machine uname tells of", plan.Syscall("personality", unix.SYS_PERSONALITY, plan.Named(domain, "PER_"+string(p.Domain))))
	return nil
}
