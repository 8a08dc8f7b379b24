// Core 14 of 28: bind mounts
//
// A bind mount shows a file or a directory in a second place. It is two calls:
// open_tree(2) clones the mount, or a part of it, or with rbind also all mounts below;
// and move_mount(2) attaches the clone. In between it is prepared with
// mount_setattr(2): what is read-only is so before anything can reach it.

package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// bindSource clones what a bind mount shows.
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
	l.host("is it a directory? its target has to be of the same type",
		call.Openat(ref, ".", unix.O_PATH|unix.O_DIRECTORY).As(isDirRef(m.index)).Allow(unix.ENOTDIR))
	return nil
}

// bindsCgroup reports whether a mount of type cgroup shows the container's own directory
// instead of a filesystem: without a cgroup namespace it would show the whole tree of
// the host, and with the right to write let a process leave its cgroup.
func (m *mount) bindsCgroup(namespace nsMode) bool {
	return (m.Type == "cgroup" || m.Type == "cgroup2") && namespace == inherited
}

// bindCgroup shows the container its own cgroup, and no more of the tree.
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

// bindAttributes sets on a clone what mount(2) would set on a bind mount: in a first
// call what is for all mounts of the tree, in a second what is for the top alone.
func bindAttributes(l *list, side plan.Side, m *mount) {
	// what both calls set
	list := m.bindPropagation()
	first, why := m.tree, "mounts made below it are not propagated"
	if !m.recursive {
		first = m.topAttributes()
	}
	if list[0].recursive || !m.recursive {
		first.Propagation, list = list[0].flag, list[1:]
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
		l.add(side, "attributes of this mount alone, not of those below it",
			call.MountSetattr(ref, "", false, m.top))
	}
	propagate(l, side, ref, list, m.recursive)
}
