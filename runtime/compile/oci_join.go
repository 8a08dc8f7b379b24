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

// A namespace that exists already is joined with setns(2), by a descriptor of
// its file in /proc/PID/ns, or, all of a process's at once, by a descriptor of
// that process. Containers of a pod share namespaces so, and `exec` puts a
// second process into a container.
//
// Two kinds are special. A pid namespace takes in only children: so the host
// enters it, for the one clone3 that makes the child, and returns. And a user
// namespace must be entered before the new namespaces are made, for it to own
// them, but after those of others are, for inside it there is no right to: so a
// process in between, the joiner, enters all that is joined and clones from there.
//
// Whoever enters a namespace in which others live already can be looked at by
// them. What it still has of the host, memory and descriptors, they get to see
// only of a process that may be dumped; so it may not, before it enters.

// Running is a container that Exec puts another process into.
type Running struct {
	Pid    int    // of its first process, as the host counts
	Cgroup string // the folder of the cgroup to be in, "" for the caller's
	Early  bool   // it has not left the host's root yet
}

const joiner = plan.Ref("joiner")

func namespaceRef(kind specs.LinuxNamespaceType) plan.Ref {
	return plan.Ref("namespace/" + string(kind))
}

// joins tells whether the config names a namespace of this kind to be joined.
func (b *builder) joins(kind specs.LinuxNamespaceType) bool { return b.namespacePath(kind) != "" }

func (b *builder) namespacePath(kind specs.LinuxNamespaceType) string {
	for _, n := range b.linux.Namespaces {
		if n.Type == kind {
			return n.Path
		}
	}
	return ""
}

// openNamespaces opens what is joined, while paths are the host's.
func (b *builder) openNamespaces() {
	for i, n := range b.linux.Namespaces {
		if n.Path != "" && b.options.Join == nil {
			b.from = fmt.Sprintf("linux.namespaces[%d]", i)
			b.host("a namespace of others, to be joined; if it is a FIFO, nobody waits", call.Openat("", n.Path, unix.O_NONBLOCK).As(namespaceRef(n.Type)))
		}
	}
	b.from = "linux.namespaces"
}

// cloneInto makes the child, in a pid namespace that is joined if there is one.
func (b *builder) cloneInto(clone plan.Step) {
	const own = plan.Ref("own")
	const why = "the second process: in new namespaces and in its cgroup from its first instruction on"
	door := b.pidDoor()
	if door == "" {
		b.host(why, clone)
		return
	}
	b.undumpable(plan.Host)
	b.host("the way back", call.Openat("", "/proc/self/ns/pid", 0).As(own))
	b.host("the next child is born in there; this process stays out", call.Setns(door, unix.CLONE_NEWPID))
	b.host(why, clone)
	b.host("later children are our own again", call.Setns(own, unix.CLONE_NEWPID))
}

// pidDoor is what leads to a pid namespace that is joined.
func (b *builder) pidDoor() plan.Ref {
	switch {
	case b.options.Join != nil && b.has(specs.PIDNamespace):
		return plan.Init
	case b.joins(specs.PIDNamespace):
		return namespaceRef(specs.PIDNamespace)
	}
	return ""
}

// needsJoiner tells whether a process in between joins what is joined: the child
// is born in a user namespace, and has no right to any more.
func (b *builder) needsJoiner() bool {
	return b.options.Join == nil && b.has(specs.UserNamespace) &&
		slices.ContainsFunc(b.linux.Namespaces, func(n specs.LinuxNamespace) bool {
			return n.Path != "" && n.Type != specs.PIDNamespace
		})
}

// cloneInside makes the child from a process that has joined all.
func (b *builder) cloneInside(f uint64, cgroup plan.Ref) {
	b.undumpable(plan.Host)
	s := call.Clone3(unix.CLONE_CLEAR_SIGHAND, cgroup).As(joiner)
	s.Child = plan.Intermediate
	b.host("a process in between, with the right to join: the child is born in a user namespace", s)
	b.add(plan.Intermediate, "what is reported, the host alone reads", call.Close(plan.ReportRead))
	b.joinEach(plan.Intermediate)
	b.from = "linux.namespaces"
	if b.joins(specs.PIDNamespace) {
		b.add(plan.Intermediate, "children are born in there", call.Setns(namespaceRef(specs.PIDNamespace), unix.CLONE_NEWPID))
	}
	if b.joins(specs.UserNamespace) {
		b.add(plan.Intermediate, "the last one: it is to own the new ones", call.Setns(namespaceRef(specs.UserNamespace), unix.CLONE_NEWUSER))
	}
	s = call.CloneSibling(f).As(plan.Pid)
	s.Child = plan.Container
	b.add(plan.Intermediate, "the container's process; its parent is the host's", s)
	b.host("the one in between has served", plan.Syscall("wait4", unix.SYS_WAIT4, joiner, plan.Null, plan.Int(0), plan.Null))
}

func (b *builder) undumpable(side plan.Side) {
	b.add(side, "others may live there: they may not look into it, nor at /proc/PID/exe, nor take what /proc/PID/fd has",
		call.Prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Named(0, "SUID_DUMP_DISABLE")))
}

// join enters the other namespaces.
func (b *builder) join() {
	defer b.begin("session", "process")
	b.begin("join", "linux.namespaces")
	if b.options.Join != nil {
		f := uint64(0)
		for _, n := range b.linux.Namespaces {
			if n.Type != specs.PIDNamespace {
				f |= flagOf(n.Type)
			}
		}
		b.container("where the container's first process lives", call.Setns(plan.Init, f))
		return
	}
	if !b.needsJoiner() {
		b.joinEach(plan.Container)
	}
}

// joinEach enters those that are not special.
func (b *builder) joinEach(side plan.Side) {
	for i, n := range b.linux.Namespaces {
		if n.Path != "" && n.Type != specs.PIDNamespace && n.Type != specs.UserNamespace {
			b.from = fmt.Sprintf("linux.namespaces[%d]", i)
			b.add(side, "share it with those who live there", call.Setns(namespaceRef(n.Type), flagOf(n.Type)))
		}
	}
}

// newTime makes a time namespace, in which clocks are set off. Nobody may be
// in it while they are being set: it too is for children alone, and its file
// is the one of the thread that made it (time_namespaces(7)).
func (b *builder) newTime() error {
	const thread, file = plan.Ref("thread"), plan.Ref("offsets")
	offsets := b.linux.TimeOffsets
	if !b.isNew(specs.TimeNamespace) {
		if len(offsets) > 0 && b.options.Join == nil {
			return fmt.Errorf("linux.timeOffsets: without a new namespace of type time they would be the host's")
		}
		return nil
	}
	b.host("a time namespace, for children of this thread", call.Unshare(unix.CLONE_NEWTIME))
	if len(offsets) == 0 {
		return nil
	}
	b.from = "linux.timeOffsets"
	var lines strings.Builder
	for _, clock := range slices.Sorted(maps.Keys(offsets)) {
		if clock != "monotonic" && clock != "boottime" {
			return fmt.Errorf("linux.timeOffsets: %q: want monotonic or boottime", clock)
		}
		fmt.Fprintf(&lines, "%s %d %d\n", clock, offsets[clock].Secs, offsets[clock].Nanosecs)
	}
	b.host("which thread this is", plan.Syscall("gettid", unix.SYS_GETTID).As(thread))
	b.host("how far its clocks are off", call.Openat("", "/proc/@thread/timens_offsets", unix.O_WRONLY).As(file))
	b.host("lines of: clock, seconds, nanoseconds", call.Write(file, lines.String()))
	return nil
}
