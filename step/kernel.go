package step

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/proc"
	"github.com/minictr/minictr/runtime/walk"
)

// kernel is what the kernel says of a walk.
type kernel struct {
	out         io.Writer
	walk        *walk.Walk
	thread      int  // minictr's thread that makes the host's steps
	before, now view // at the last stop, and at this one
}

// view is what the kernel says at a stop. A list is nil for what does not exist.
type view struct {
	host      []proc.Fact // of minictr's thread that makes the host's steps
	cgroup    []proc.Fact // of the container's cgroup, while no process is in it
	container []proc.Fact // of the container's process
	err       error
}

// look looks at the processes at this stop.
func (k *kernel) look(thread int) {
	k.thread, k.before, k.now = thread, k.now, view{}
	host, err := proc.Look(thread)
	if err != nil {
		k.now.err = err
		return
	}
	// without the directories that are open for this look itself
	own := fmt.Sprintf("/proc/%d/", thread)
	host.Files = slices.DeleteFunc(host.Files, func(d proc.Descriptor) bool {
		return strings.HasPrefix(d.File+"/", own)
	})
	k.now.host = facts(host, host)
	k.now.err = k.lookAtContainer(host)
}

// lookAtContainer looks at the container's process, or at least at its cgroup.
func (k *kernel) lookAtContainer(host *proc.View) error {
	pid, ok := k.walk.Result(plan.Pid)
	if !ok {
		c, err := proc.LookCgroup(k.walk.Plan().Cgroup)
		if err == nil {
			k.now.cgroup = c.Facts()
		}
		return ignore(err)
	}
	container, err := proc.Look(pid)
	if err == nil {
		k.now.container = facts(container, host)
	}
	return ignore(err)
}

// ignore drops the error of what does not exist.
func ignore(err error) error {
	if errors.Is(err, proc.ErrNotExist) {
		return nil
	}
	return err
}

// facts returns the facts of a process, and which of its namespaces are the host's.
func facts(v, host *proc.View) []proc.Fact {
	list := v.Facts()
	for _, ns := range v.Namespaces {
		whose := "its own"
		if slices.Contains(host.Namespaces, ns) {
			whose = "the host's"
		}
		i := slices.IndexFunc(list, func(f proc.Fact) bool { return f.Section == "namespaces" && f.Name == ns.Type })
		list[i].Value += ", " + whose
	}
	return list
}

// printChanges prints what has changed since the last stop. The container's process, when it
// is new, is a copy of minictr's: of that it prints the differences.
func (k *kernel) printChanges() {
	before, now := &k.before, &k.now
	if now.err != nil {
		fmt.Fprintln(k.out, now.err)
		return
	}
	if before.host == nil {
		fmt.Fprintln(k.out, "This is the first stop: nothing has changed yet. K prints the whole view.")
		return
	}
	k.title("the host: minictr's thread %d", k.thread)
	proc.PrintChanges(k.out, proc.Changes(before.host, now.host))
	if before.cgroup != nil || now.cgroup != nil {
		k.title("the container's cgroup")
		proc.PrintChanges(k.out, proc.Changes(before.cgroup, now.cgroup))
	}
	pid, _ := k.walk.Result(plan.Pid)
	switch {
	case now.container == nil:
	case before.container == nil:
		k.title("the container: process %d, which is new; what differs from the host's", pid)
		proc.PrintChanges(k.out, proc.Changes(now.host, now.container))
	default:
		k.title("the container: process %d", pid)
		proc.PrintChanges(k.out, proc.Changes(before.container, now.container))
	}
}

// printAll prints all that the kernel says.
func (k *kernel) printAll() {
	if k.now.err != nil {
		fmt.Fprintln(k.out, k.now.err)
		return
	}
	k.title("the host: minictr's thread %d", k.thread)
	proc.Print(k.out, k.now.host)
	if k.now.cgroup != nil {
		k.title("the container's cgroup")
		proc.Print(k.out, k.now.cgroup)
	}
	if k.now.container != nil {
		pid, _ := k.walk.Result(plan.Pid)
		k.title("the container: process %d", pid)
		proc.Print(k.out, k.now.container)
	}
}

func (k *kernel) title(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(k.out, "\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}
