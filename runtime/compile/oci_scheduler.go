// Beyond a plain container: scheduling
//
// How the kernel treats the process when others want the same: which thread gets the
// CPU (sched(7)), whose request the disk serves first (ioprio_set(2)), and on which node
// its memory lies (oci_numa.go). All of it is inherited by every process that the
// container's first one makes, and survives execve.

package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// scheduling is set while the child still has CAP_SYS_NICE, which it takes to get more
// than other processes.
func scheduling(l *list, spec *specs.Spec) error {
	if err := scheduler(l, spec.Process.Scheduler); err != nil {
		return err
	}
	if err := ioPriority(l, spec.Process.IOPriority); err != nil {
		return err
	}
	if err := memoryPolicy(l, spec.Linux.MemoryPolicy); err != nil {
		return err
	}
	return personality(l, spec.Linux.Personality)
}

func scheduler(l *list, s *specs.Scheduler) error {
	if s == nil {
		return nil
	}
	l.begin("confine", "process.scheduler")

	// the policy, and which numbers it has
	policy, ok := call.Bit(string(s.Policy), call.Schedulers)
	if !ok {
		return fmt.Errorf("process.scheduler.policy: %q: unknown", s.Policy)
	}
	timed := policy == unix.SCHED_DEADLINE
	fixed := policy == unix.SCHED_FIFO || policy == unix.SCHED_RR
	switch {
	case !fixed && s.Priority != 0:
		return fmt.Errorf("process.scheduler.priority: %d: requires SCHED_FIFO or SCHED_RR", s.Priority)
	case !fixed && !timed && (s.Nice < -20 || s.Nice > 19):
		return fmt.Errorf("process.scheduler.nice: %d: want -20 to 19", s.Nice)
	case !timed && s.Runtime|s.Deadline|s.Period != 0:
		return fmt.Errorf("process.scheduler.runtime, deadline, period: require SCHED_DEADLINE")
	}
	if timed {
		if err := checkDeadline(s); err != nil {
			return fmt.Errorf("process.scheduler: sched_setattr: `SCHED_DEADLINE` %w", err)
		}
	}

	// flags
	var set uint64
	for _, name := range s.Flags {
		f, ok := call.Bit(string(name), call.SchedulerFlags)
		if !ok {
			return fmt.Errorf("process.scheduler.flags: %q: unknown", name)
		}
		set |= f
	}
	l.container("set the scheduling policy", call.SchedSetattr(string(s.Policy), unix.SchedAttr{
		Policy: uint32(policy), Flags: set, Nice: s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}).
		Hint(unix.EPERM, "run the command with CAP_SYS_NICE, and SCHED_DEADLINE on all CPUs").
		Hint(unix.EINVAL, "see sched(7) for the policies of the kernel and their parameters"))
	return nil
}

// checkDeadline returns in crun's words which parameter of SCHED_DEADLINE the kernel would
// refuse with EINVAL (sched(7)). Parameters are nanoseconds; a period of 0 is the deadline.
func checkDeadline(s *specs.Scheduler) error {
	const least, most = 1 << 10, 1<<63 - 1
	switch {
	case s.Runtime == 0:
		return errors.New("requires `runtime`")
	case s.Deadline == 0:
		return errors.New("requires `deadline`")
	case s.Runtime > s.Deadline:
		return fmt.Errorf("runtime (%d) must be <= deadline (%d)", s.Runtime, s.Deadline)
	case s.Period != 0 && s.Deadline > s.Period:
		return fmt.Errorf("deadline (%d) must be <= period (%d)", s.Deadline, s.Period)
	case s.Runtime < least || s.Runtime > most:
		return fmt.Errorf("runtime (%d) must be between %d and %d", s.Runtime, least, most)
	case s.Deadline > most || s.Period > most:
		return fmt.Errorf("deadline (%d) and period (%d) must be between %d and %d", s.Deadline, s.Period, least, most)
	}
	return nil
}

// ioPriority is set for the process group: the child leads one, since setsid.
func ioPriority(l *list, p *specs.LinuxIOPriority) error {
	if p == nil {
		return nil
	}
	l.begin("confine", "process.ioPriority")
	class, ok := call.Bit(string(p.Class), call.IoClasses)
	if !ok {
		return fmt.Errorf("process.ioPriority.class: %q: unknown", p.Class)
	}
	if p.Priority < 0 || p.Priority > 7 {
		return fmt.Errorf("process.ioPriority.priority: %d: want 0 to 7", p.Priority)
	}
	l.container("set the I/O class and priority", call.IoprioSet(class, string(p.Class), p.Priority))
	return nil
}

// personality(2): with PER_LINUX32 uname(2) tells of a 32-bit machine.
func personality(l *list, p *specs.LinuxPersonality) error {
	if p == nil {
		return nil
	}
	l.begin("confine", "linux.personality")
	name := "PER_" + string(p.Domain)
	domain, ok := call.Bit(name, call.Personalities)
	if !ok {
		return fmt.Errorf("linux.personality.domain: %q: want LINUX or LINUX32", p.Domain)
	}
	if len(p.Flags) > 0 {
		return fmt.Errorf("linux.personality.flags: %q: unknown", p.Flags[0])
	}
	l.container("set the execution domain: what uname(2) reports", call.Personality(plan.Named(domain, name)))
	return nil
}
