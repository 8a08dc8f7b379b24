// Core 14 of 28: bind mounts
//
// A bind mount shows a file or a directory in a second place. open_tree(2) clones the
// mount, or a part of it, or with rbind also all mounts below; mount_setattr(2) sets the
// attributes of the clone; and move_mount(2) attaches it. So it is read-only before any
// process can reach it.

package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// bindSource clones the source of a bind mount. With the option idmap a user namespace maps
// the owners of its files (oci_idmap.go).
func bindSource(l *list, m *mount, mounts []mount, linux *specs.Linux) error {
	ids, err := mountUserns(l, m, mounts, linux)
	if err != nil {
		return err
	}
	ref := mountRef(m.index)
	l.begin("sources", fmt.Sprintf("%s: %s on %s", m.field(), m.Source, m.Destination))
	l.host("clone the mount to bind; its path is not used again", call.OpenTree("", m.Source, m.recursive).As(ref).
		Hint(unix.ENOENT, "create the source: mkdir -p "+m.Source))
	if m.idmap {
		l.host("show its files with the owners that this user namespace maps them to",
			call.MountSetattr(ref, "", m.idmapRecursive && m.recursive,
				call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: ids}).
				Hint(0, "this filesystem or kernel has no idmapped mounts: leave out idmap"))
	}
	bindAttributes(l, plan.Host, m)
	if m.dest == "/proc" {
		l.host("only procfs may be mounted on /proc: programs trust it", checkProcfs(ref, false).
			Hint(unix.EPERM, "mount only procfs on /proc"))
	}
	l.host("test whether it is a directory: its mount point must be of the same type",
		call.Openat(ref, ".", unix.O_PATH|unix.O_DIRECTORY).As(isDirRef(m.index)).Allow(unix.ENOTDIR))
	return nil
}

// bindsCgroup reports whether a mount of type cgroup is a bind mount of the container's
// own cgroup: without a cgroup namespace a new cgroup2 would show all cgroups of the host,
// and a process that may write there could leave its own.
func (m *mount) bindsCgroup(namespace nsMode) bool {
	return (m.Type == "cgroup" || m.Type == "cgroup2") && namespace == inherited
}

// bindCgroup clones the directory of the container's cgroup.
func bindCgroup(l *list, m *mount, cgroup2 string) error {
	if cgroup2 == "" {
		return errors.New("type cgroup: requires a cgroup or a cgroup namespace")
	}
	l.begin("sources", m.field()+": cgroup")
	l.host("show its own cgroup only: it has no cgroup namespace",
		call.OpenTree(cgroupFd, "", false).As(mountRef(m.index)))
	bindAttributes(l, plan.Host, m)
	return nil
}

// bindAttributes sets the attributes and the propagation of a clone. A first call sets m.tree
// on all its mounts, a second m.top on the topmost alone. A clone of one mount needs one
// call. propagations after the first take a call each.
func bindAttributes(l *list, side plan.Side, m *mount) {
	// the first call; it sets the first propagation too if that is for the same mounts
	propagations := m.bindPropagation()
	first, why := m.tree, "mounts made below it are not propagated"
	if !m.recursive {
		first = m.topAttributes()
	}
	if propagations[0].recursive || !m.recursive {
		first.Propagation, propagations = propagations[0].flag, propagations[1:]
	}
	switch {
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0 && m.recursive:
		why = "make it and all mounts below read-only before it is attached"
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0:
		why = "make it read-only before it is attached"
	case first.Propagation&^unix.MS_PRIVATE != 0:
		why = "set the propagation of mounts below it"
	}

	// the calls
	ref := mountRef(m.index)
	if first != (call.MountAttr{}) {
		l.add(side, why, call.MountSetattr(ref, "", m.recursive, first))
	}
	if m.recursive && m.top != (call.MountAttr{}) {
		l.add(side, "set the attributes of this mount, not of those below it",
			call.MountSetattr(ref, "", false, m.top))
	}
	propagate(l, side, ref, propagations, m.recursive)
}
