// Core 22 of 28: the child becomes the program
//
// execve(2) replaces the program that a process runs, and keeps the process: its
// namespaces, its root, its user, its filter.
//
// The child does not execute the container's program at once. /proc/self/exe, the file
// that it executes, is still the host's minictr, and no process in a container may open
// that: it could overwrite it (CVE-2019-5736). So the child first executes the trampoline,
// a program of a few hundred bytes in a file in memory: the last calls of this list and
// their arguments (package walk writes it). All privileges are dropped by then, and the
// filter is loaded: a process in the container that controls the trampoline gains nothing.
//
// A created container waits in the trampoline until its start.

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// makeTrampoline makes the file.
func (b *builder) makeTrampoline() error {
	b.begin("trampoline", "minictr")
	b.host("a file in memory, for the last calls of this list",
		call.MemfdCreate("minictr", true).As(plan.LastSteps).Allow(unix.EINVAL))
	b.host("the same, before Linux 6.3", call.MemfdCreate("minictr", false).WhenNot(plan.LastSteps).As(plan.LastSteps))
	b.host("write a program that makes them", call.WriteProgram(plan.LastSteps))
	return nil
}

// execve prepares for the trampoline, executes it, and adds its steps.
func (b *builder) execve() error {
	// With PR_SET_PDEATHSIG the child dies when its parent does, however that ends.
	o := &b.shape.options
	if !o.Outlive {
		b.begin("exec", "minictr")
		b.container("die when the host's process dies", call.PrctlPdeathsig())
		b.container("parent alive? EPIPE if it died before prctl", report(plan.Alive))
	}

	// what the program inherits: the file mode creation mask, and descriptors
	p := b.spec.Process
	b.begin("exec", "process.user.umask")
	mask := uint32(0o022)
	if p.User.Umask != nil {
		mask = *p.User.Umask
	}
	b.container("the file mode creation mask of the program", call.Umask(mask))
	if o.Wait {
		b.begin("exec", "process.args")
		// `create` fails if the program does not exist (path.go).
		findProgram(&b.list, programs(b.spec.Process, b.shape.options.Program))
	}
	b.begin("exec", "process")
	b.container("close all other descriptors at execve",
		call.CloseRange(3+o.PreserveFds, unix.CLOSE_RANGE_CLOEXEC))
	keepPipes(&b.list, o.Wait, b.shape.saves)

	// the filter, and then the last capabilities
	if b.shape.filter != nil {
		loadFilter(&b.list, b.shape.filter)
	}
	if b.shape.privilegedFilter {
		b.from = "process.capabilities"
		caps, _ := capabilities(p, &b.shape)
		b.container("drop CAP_SYS_ADMIN: the filter is loaded", caps.capset())
	}

	// the trampoline
	b.begin("exec", "minictr")
	leave := call.Execveat(plan.LastSteps, []string{"minictr"})
	leave.Child = plan.Trampoline
	b.container("execute the trampoline: /proc/self/exe is no longer the host's minictr", leave)
	return b.trampoline()
}

// keepPipes keeps the pipes to the host open in the trampoline.
func keepPipes(l *list, wait, saves bool) {
	keep := func(why string, fd plan.Ref) { l.container(why, call.CloseOnExec(fd, false)) }
	if wait {
		keep("keep open until start: the trampoline waits here", plan.Start)
		keep("keep open until execve: the trampoline writes here which step failed", plan.StartError)
	}
	if saves {
		keep("keep open: the host answers here", plan.ResumeRead)
	}
	if saves || !wait {
		keep("keep open until execve: the trampoline reports here", plan.ReportWrite)
	}
}

// trampoline makes the last calls.
func (b *builder) trampoline() error {
	wait := b.shape.options.Wait
	last := func(why string, s plan.Step) { b.add(plan.Trampoline, why, s) }
	b.plan.StartError, b.plan.Saves = plan.ReportWrite, b.shape.saves
	if wait {
		b.plan.StartError = plan.StartError
	}

	// wait until the host has recorded the process, and until it is started
	if b.shape.saves {
		last("tell the host to record the process", report(plan.Save))
		last("wait for the host's answer, or its death", call.ReadByte(plan.ResumeRead))
		last("parent alive? EPIPE if it died before it recorded the process", report(plan.Alive))
		last("the host sends no more answers", call.Close(plan.ResumeRead))
		if wait {
			last("no more reports", call.Close(plan.ReportWrite))
		}
	}
	if wait {
		undumpable(&b.list, plan.Trampoline)
		last("created: wait until it is started", call.ReadByte(plan.Start))
		last("close it before execve: end of file on the report pipe then means that it runs", call.Close(plan.Start))
	}
	last("close it at execve: end of file means success", call.CloseOnExec(b.plan.StartError, true))

	// the program: a name without a slash is tried in each directory of PATH (path.go)
	b.begin("exec", "process.args")
	p := b.spec.Process
	files := programs(b.spec.Process, b.shape.options.Program)
	for _, file := range files {
		if s := call.Execve(file, p.Args, environ(p)); len(files) == 1 {
			last("execute the program", s)
		} else {
			last("execute the program, if it is in this directory of PATH", s.Allow(notHere...))
		}
	}
	return nil
}
