// Core 8 of 28: what the container is like
//
// Several parts of a plan depend on the same few questions: has the container a user
// namespace of its own? does its process wait for the host? Each question is answered
// once, here, before the first step is written; the parts read fields. At a first reading
// pass over newShape: the fields are explained where they are used.
//
// For each of the eight kinds of namespaces (namespaces(7)) a container either keeps the
// namespace of the process that makes it, gets a new one, or joins one that exists.

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The kinds of namespaces. Those before cgroupNS can be made by clone3(2) itself.
const (
	userNS = iota // user ids, group ids and capabilities
	pidNS
	mountNS
	utsNS // host name and NIS domain name
	ipcNS // System V IPC, POSIX message queues
	networkNS
	cgroupNS
	timeNS
)

var namespaces = [...]struct {
	kind specs.LinuxNamespaceType // as the config spells it
	flag uint64                   // as clone(2), unshare(2) and setns(2) take it
}{
	userNS:    {specs.UserNamespace, unix.CLONE_NEWUSER},
	pidNS:     {specs.PIDNamespace, unix.CLONE_NEWPID},
	mountNS:   {specs.MountNamespace, unix.CLONE_NEWNS},
	utsNS:     {specs.UTSNamespace, unix.CLONE_NEWUTS},
	ipcNS:     {specs.IPCNamespace, unix.CLONE_NEWIPC},
	networkNS: {specs.NetworkNamespace, unix.CLONE_NEWNET},
	cgroupNS:  {specs.CgroupNamespace, unix.CLONE_NEWCGROUP},
	timeNS:    {specs.TimeNamespace, unix.CLONE_NEWTIME},
}

// indexOf returns the index of a kind of namespace, -1 for an unknown one.
func indexOf(kind specs.LinuxNamespaceType) int {
	for i := range namespaces {
		if namespaces[i].kind == kind {
			return i
		}
	}
	return -1
}

// flagOf returns the flag of a kind of namespace, 0 for an unknown one.
func flagOf(kind specs.LinuxNamespaceType) uint64 {
	if i := indexOf(kind); i >= 0 {
		return namespaces[i].flag
	}
	return 0
}

// nsMode is how the container gets a namespace.
type nsMode uint8

const (
	inherited nsMode = iota // it keeps that of the process that makes it
	created                 // this plan makes a new one
	joined                  // an existing one: a running container's, or linux.namespaces[].path
)

// devKind is what is at the container's /dev.
type devKind uint8

const (
	imageDev devKind = iota // the directory of the image
	newDev                  // a new tmpfs
	boundDev                // a directory of the host
)

// shape holds decisions that follow from the config and the options.
type shape struct {
	options Options
	filter  *seccomp.Filter // nil for none
	mounts  []mount

	ns  [len(namespaces)]nsMode
	dev devKind

	hooks            bool // programs on the host run before the program starts (oci_hooks.go)
	notify           bool // a process on the host answers some system calls (filter.go)
	waits            bool // the child waits for the host before its last steps
	saves            bool // the child waits until the host has recorded it
	vfork            bool // the child shares the host's memory until execveat (namespaces.go)
	intermediate     bool // another child joins namespaces, and makes the container's (oci_join.go)
	sharedMounts     bool // the mount namespace is not new: other processes use it
	joinsRoot        bool // the process enters the root of the container that it joins
	rootInJoined     bool // root.path is a path in the mount namespace that is joined
	pivotLater       bool // chroot(2) first, pivot_root(2) after the hooks
	privilegedFilter bool // loading the seccomp filter requires CAP_SYS_ADMIN
}

func newShape(spec *specs.Spec, o Options, f *seccomp.Filter, mounts []mount) shape {
	s := shape{options: o, filter: f, mounts: mounts, sharedMounts: true}

	// namespaces
	joinsAny := false
	for _, n := range spec.Linux.Namespaces {
		mode := created
		if n.Path != "" || o.Join != nil {
			mode = joined
		}
		if i := indexOf(n.Type); i >= 0 {
			s.ns[i] = mode
		}
		joinsAny = joinsAny || n.Path != "" && n.Type != specs.PIDNamespace
		s.sharedMounts = s.sharedMounts && (n.Type != specs.MountNamespace || n.Path != "")
	}
	s.intermediate = o.Join == nil && s.ns[userNS] != inherited && joinsAny
	s.joinsRoot = o.Join != nil && !o.Join.Early
	s.rootInJoined = s.ns[mountNS] == joined && o.Root == nil

	// waiting
	h := spec.Hooks
	//lint:ignore SA1019 the specification still wants it
	s.hooks = h != nil && len(h.Prestart)+len(h.CreateRuntime)+len(h.CreateContainer) > 0
	s.notify = f != nil && f.Notify
	s.waits = s.ns[userNS] == created || s.hooks || s.notify || o.AskHome ||
		o.Join == nil && len(spec.Linux.NetDevices) > 0
	s.saves = o.Outlive || o.Held
	s.vfork = !s.waits && !o.Stops && !s.intermediate && s.ns[pidNS] == created && s.ns[timeNS] == inherited
	s.pivotLater = s.hooks && !s.sharedMounts
	s.privilegedFilter = f != nil && !spec.Process.NoNewPrivileges

	// mounts
	path := ""
	if o.Root == nil && spec.Root != nil {
		path = spec.Root.Path
	}
	setKinds(mounts, path, s.ns[userNS] != inherited || s.sharedMounts, s.ns[cgroupNS] == inherited)
	setLinks(mounts, o.CopiedLinks)

	// /dev: a bind mount, or else a tmpfs
	for _, m := range mounts {
		switch {
		case m.dest != "/dev" || m.remount:
		case m.bind:
			s.dev = boundDev
		case m.Type == "tmpfs" && !m.copyUp && s.dev == imageDev:
			s.dev = newDev
		}
	}
	return s
}

// has reports whether a namespace is not the one of the process that makes the container.
func (s *shape) has(kind specs.LinuxNamespaceType) bool {
	i := indexOf(kind)
	return i >= 0 && s.ns[i] != inherited
}

// joinedPID returns the descriptor of the pid namespace that is joined, "" for none.
func (s *shape) joinedPID() plan.Ref {
	switch {
	case s.ns[pidNS] != joined:
		return ""
	case s.options.Join != nil:
		return plan.Init
	}
	return namespaceRef(specs.PIDNamespace)
}

func namespaceRef(kind specs.LinuxNamespaceType) plan.Ref {
	return plan.Ref("namespace/" + string(kind))
}
