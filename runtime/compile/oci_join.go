// Beyond a plain container: namespaces that exist are joined
//
// setns(2) enters a namespace by a descriptor of its file in /proc/PID/ns, or, all of a
// process's at once, by a descriptor of that process. Containers of a pod share
// namespaces so, and `exec` puts a second process into a container.
//
// Two kinds are special. A pid namespace takes in children only: so the host enters
// it, for the one clone3 that makes the child, and returns. And a user namespace has to
// be entered before the new namespaces are made, for it to own them, but after those
// of others are, for inside it there is no right to. So an intermediate process enters
// all that is joined, and clones the child from there.
//
// Processes that live in a namespace can look at one that enters it, and take what it
// still has of the host, memory and descriptors; but only of a process that may be
// dumped (ptrace(2), "Ptrace access mode checking"). So it may not, before it enters.

package compile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const intermediate = plan.Ref("intermediate")

// openNamespaces opens what is joined, while paths are the host's.
func openNamespaces(l *list, namespaces []specs.LinuxNamespace) {
	for i, n := range namespaces {
		if n.Path != "" {
			l.from = namespaceField(i)
			l.host("open a namespace to join; O_NONBLOCK, as a FIFO would block",
				call.Openat("", n.Path, unix.O_NONBLOCK).As(namespaceRef(n.Type)))
		}
	}
	l.from = "linux.namespaces"
}

func namespaceField(i int) string { return fmt.Sprintf("linux.namespaces[%d]", i) }

// cloneInto makes the child, in the pid namespace that is joined, if there is one.
func cloneInto(l *list, joinedPID plan.Ref, clone plan.Step) {
	const own = plan.Ref("own")
	const why = "make the container's process, in new namespaces and in its cgroup"
	if joinedPID == "" {
		l.host(why, clone)
		return
	}
	undumpable(l, plan.Host)
	l.host("keep the host's pid namespace, to return to it", call.Openat("", "/proc/self/ns/pid", 0).As(own))
	l.host("make the next child in this pid namespace; the caller stays outside",
		call.Setns(joinedPID, unix.CLONE_NEWPID))
	l.host(why, clone)
	l.host("make later children in the host's pid namespace again", call.Setns(own, unix.CLONE_NEWPID))
}

// cloneFromIntermediate makes the child from a process that has joined all.
func cloneFromIntermediate(l *list, namespaces []specs.LinuxNamespace, f uint64, cgroup plan.Ref) {
	undumpable(l, plan.Host)
	s := call.Clone3(unix.CLONE_CLEAR_SIGHAND, cgroup).As(intermediate)
	s.Child = plan.Intermediate
	l.host("make an intermediate process: from a new user namespace no other may be joined", s)
	l.add(plan.Intermediate, "close the host's end of the report pipe", call.Close(plan.ReportRead))

	// the user namespace last: inside it there is no right to join the others
	joinEach(l, plan.Intermediate, namespaces)
	for _, special := range []struct {
		kind specs.LinuxNamespaceType
		why  string
	}{
		{specs.PIDNamespace, "make children in this pid namespace"},
		{specs.UserNamespace, "join the user namespace last: it is to own the new namespaces"},
	} {
		if slices.ContainsFunc(namespaces, func(n specs.LinuxNamespace) bool {
			return n.Type == special.kind && n.Path != ""
		}) {
			l.from = "linux.namespaces"
			l.add(plan.Intermediate, special.why, call.Setns(namespaceRef(special.kind), flagOf(special.kind)))
		}
	}

	l.from = "linux.namespaces"
	s = call.CloneSibling(f).As(plan.Pid)
	s.Child = plan.Container
	l.add(plan.Intermediate, "make the container's process, as a child of the host's", s)
	l.host("wait until the intermediate process has exited", call.Wait4(intermediate))
}

// undumpable keeps other processes from tracing this one.
func undumpable(l *list, side plan.Side) {
	l.add(side, "no process of the container may trace this one, or open its files in /proc",
		call.PrctlUndumpable())
}

// joinNamespaces enters the other namespaces.
func joinNamespaces(l *list, s *shape, namespaces []specs.LinuxNamespace) {
	l.begin("join", "linux.namespaces")
	switch {
	case s.options.Join != nil:
		f := uint64(0)
		for _, n := range namespaces {
			if n.Type != specs.PIDNamespace {
				f |= flagOf(n.Type)
			}
		}
		l.container("join the namespaces of the container's first process", call.Setns(plan.Init, f))
	case !s.intermediate:
		joinEach(l, plan.Container, namespaces)
	}
}

// joinEach enters those that are not special.
func joinEach(l *list, side plan.Side, namespaces []specs.LinuxNamespace) {
	for i, n := range namespaces {
		if n.Path != "" && n.Type != specs.PIDNamespace && n.Type != specs.UserNamespace {
			l.from = namespaceField(i)
			l.add(side, "join the namespace", call.Setns(namespaceRef(n.Type), flagOf(n.Type)))
		}
	}
}

// UsernsMember returns the plan of a process that only waits, as "holder", in the user
// namespace at path: the files of its id mappings show those of the namespace.
func UsernsMember(path string) (*plan.Plan, error) {
	b := &builder{}
	if err := b.makeTrampoline(); err != nil {
		return nil, err
	}
	b.begin("clone", "linux.namespaces")
	b.host("open the user namespace; O_NONBLOCK, as a FIFO would block",
		call.Openat("", path, unix.O_NONBLOCK).As(namespaceRef(specs.UserNamespace)))
	undumpable(&b.list, plan.Host)
	holdProcess(&b.list, "a process that joins it", false, func(helper func(why string, s plan.Step)) {
		helper("join the user namespace", call.Setns(namespaceRef(specs.UserNamespace), unix.CLONE_NEWUSER).
			Hint(unix.EINVAL, "name a user namespace that is not the caller's own, as /proc/PID/ns/user"))
	})
	return &b.plan, nil
}

// newTime makes a time namespace, in which clocks have an offset. The offsets can be
// written only while it has no process: it too is for children alone, and its file is
// the one of the thread that made it (time_namespaces(7)).
func newTime(l *list, mode nsMode, offsets map[string]specs.LinuxTimeOffset) error {
	const thread, file = plan.Ref("thread"), plan.Ref("offsets")
	if mode != created {
		if len(offsets) > 0 {
			return fmt.Errorf("linux.timeOffsets: needs a new time namespace")
		}
		return nil
	}
	l.host("make a time namespace, for children of this thread", call.Unshare(unix.CLONE_NEWTIME))
	if len(offsets) == 0 {
		return nil
	}
	l.from = "linux.timeOffsets"
	var lines strings.Builder
	for _, clock := range slices.Sorted(maps.Keys(offsets)) {
		if clock != "monotonic" && clock != "boottime" {
			return fmt.Errorf("linux.timeOffsets: %q: want monotonic or boottime", clock)
		}
		fmt.Fprintf(&lines, "%s %d %d\n", clock, offsets[clock].Secs, offsets[clock].Nanosecs)
	}
	l.host("the id of this thread", call.Gettid().As(thread))
	l.host("the file of its clock offsets", call.Openat("", "/proc/@thread/timens_offsets", unix.O_WRONLY).As(file))
	l.host("each line: clock, seconds, nanoseconds", call.Write(file, lines.String()))
	return nil
}
