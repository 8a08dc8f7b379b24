// Core 11 of 28: namespaces, and the call that makes a process in them
//
// clone3(2) makes a process, as fork(2) does. With a flag for each kind of namespace
// the process begins in new ones; with CLONE_INTO_CGROUP it begins in a cgroup. From here
// on two processes make steps: the host those of its side, and the child those of the
// container's. Three kinds of namespaces need more than a flag:
//
//   - A cgroup namespace shows the cgroup of the process that makes it as the root.
//     During clone3 that is the host's cgroup, so the child makes it later by unshare(2).
//   - A user namespace gives its processes all capabilities over the namespaces that it
//     owns, and none over the host. clone3 makes it first, so that it owns the others.
//     Its user ids have no meaning until a process outside has mapped them to ids outside
//     (user_namespaces(7), "/proc/pid/uid_map"). The child waits for that.
//   - A process never changes its pid namespace: setns(2) sets that of later children
//     (cloneInto). The first process in a new one, here the child, has pid 1.

package compile

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// clone makes the child.
func (b *builder) clone() error {
	// namespaces that are joined, or made by the host (oci_join.go)
	b.begin("clone", "linux.namespaces")
	if b.shape.options.Join == nil {
		openNamespaces(&b.list, b.spec.Linux.Namespaces)
		if err := newTime(&b.list, b.shape.ns[timeNS], b.spec.Linux.TimeOffsets); err != nil {
			return err
		}
	}

	// the flags
	b.begin("clone", "linux.namespaces")
	f := uint64(unix.CLONE_CLEAR_SIGHAND) // reset signal handlers: they are Go's
	if b.shape.vfork {
		// As vfork(2): the child uses the host's memory, and the host is suspended until the
		// child has executed another program. That saves copying the page tables, which
		// takes longer than most of the plan. It is not possible if the child waits for the
		// host, nor in an existing pid namespace, whose processes could read that memory.
		f |= unix.CLONE_VM | unix.CLONE_VFORK
	}
	for i, n := range namespaces[:cgroupNS] {
		if b.shape.ns[i] == created {
			f |= n.flag
		}
	}
	cgroup := plan.Ref("")
	if b.shape.options.Cgroup2 != "" {
		cgroup = cgroupFd
	}

	// the call
	if b.shape.intermediate {
		cloneFromIntermediate(&b.list, b.spec.Linux.Namespaces, f, cgroup)
	} else {
		s := call.Clone3(f, cgroup).As(plan.Pid)
		s.Child = plan.Container
		cloneInto(&b.list, b.shape.joinedPID(), s)
	}
	b.host("a descriptor of the process: a pid could be reused", call.PidfdOpen(plan.Pid).As(plan.Pidfd))

	// the mappings of its user ids
	if b.shape.ns[userNS] == created {
		writeIDMaps(&b.list, plan.Pid, "linux", b.spec.Linux.UIDMappings, b.spec.Linux.GIDMappings)
		hostScore(&b.list, b.spec.Process)
		b.host("tell the child that its ids are mapped", call.Write(plan.ResumeWrite, "."))
	}
	return nil
}

// writeIDMaps maps the ids of a process's user namespace to ids outside. field is the object
// of the config that has the mappings.
func writeIDMaps(l *list, process plan.Ref, field string, uids, gids []specs.LinuxIDMapping) {
	for _, m := range []struct {
		file, from string
		ids        []specs.LinuxIDMapping
	}{
		{"gid_map", field + ".gidMappings", gids},
		{"uid_map", field + ".uidMappings", uids},
	} {
		var lines strings.Builder
		for _, id := range m.ids {
			fmt.Fprintf(&lines, "%d %d %d\n", id.ContainerID, id.HostID, id.Size)
		}
		l.from = m.from
		l.host("the file of the id mappings",
			call.Openat("", "/proc/@"+string(process)+"/"+m.file, unix.O_WRONLY).As("map"))
		l.host("each line: first id inside, first id outside, number of ids", call.Write("map", lines.String()))
	}
}

// HostID returns the id outside a user namespace to which an id inside is mapped. Without
// mappings there is no user namespace, and the two are equal.
func HostID(id uint32, maps []specs.LinuxIDMapping) (uint32, error) {
	if len(maps) == 0 {
		return id, nil
	}
	for _, m := range maps {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return m.HostID + (id - m.ContainerID), nil
		}
	}
	return 0, fmt.Errorf("id %d: not mapped", id)
}

// becomeRoot changes to the id 0 of the user namespace, once that is mapped.
func becomeRoot(l *list, user nsMode) {
	l.from = "linux.uidMappings"
	if user == created {
		l.await("wait until the host has mapped the ids", plan.Alive)
	}
	l.container("drop the groups of the host's user", call.Setgroups(nil))
	l.container("become group 0 of the user namespace", call.Setresgid(0))
	l.container("become user 0 of the user namespace, which owns the other namespaces", call.Setresuid(0))
}

// setUpNamespaces makes the cgroup namespace, and sets names and links in the new namespaces.
func (b *builder) setUpNamespaces() error {
	if b.shape.ns[cgroupNS] == created {
		b.begin("namespaces", "linux.namespaces")
		b.container("a cgroup namespace whose root is the container's cgroup; clone3 would have taken the host's",
			call.Unshare(unix.CLONE_NEWCGROUP))
	}
	if b.spec.Hostname != "" {
		b.begin("namespaces", "hostname")
		b.container("set the host name of this UTS namespace", call.Sethostname(b.spec.Hostname))
	}
	if b.spec.Domainname != "" {
		b.begin("namespaces", "domainname")
		b.container("set the domain name of this UTS namespace", call.Setdomainname(b.spec.Domainname))
	}
	if b.shape.ns[networkNS] == created {
		b.begin("namespaces", "linux.namespaces")
		b.container("a socket, for requests about network links",
			call.Socket(plan.Named(unix.AF_INET, "AF_INET"), plan.Named(unix.SOCK_DGRAM, "SOCK_DGRAM"), plan.Int(0)).
				As("socket"))
		b.container("bring up lo, the only link of a new network namespace", call.SetLinkUp("socket", "lo"))
	}
	return nil
}
