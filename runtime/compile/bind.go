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
	l.host("hold what is bound from the host: its name is not used again", call.OpenTree("", m.Source, m.recursive).As(ref))
	if m.idmap {
		l.host("its files are shown with the owners that this user namespace gives them",
			call.MountSetattr(ref, "", m.idmapRecursive && m.recursive, call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: ids}))
	}
	bindAttributes(l, plan.Host, m)
	if m.dest == "/proc" {
		l.host("what stands at /proc is believed: it has to be procfs", onProcfs(ref, false))
	}
	l.host("is it a folder? its target has to be of the same kind",
		call.Openat(ref, ".", unix.O_PATH|unix.O_DIRECTORY).As(folderRef(m.index)).Allow(unix.ENOTDIR))
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
		return errors.New("type cgroup: there is no cgroup to show, and no namespace of type cgroup")
	}
	l.begin("sources", m.field()+": cgroup")
	l.host("its own cgroup and no more of the host's tree: it has no cgroup namespace",
		call.OpenTree(cgroupFd, "", false).As(mountRef(m.index)))
	bindAttributes(l, plan.Host, m)
	return nil
}

// bindAttributes sets on a clone what mount(2) would set on a bind mount: in a first
// call what is for all mounts of the tree, in a second what is for the top alone.
func bindAttributes(l *list, side plan.Side, m *mount) {
	// what both calls set
	list := m.bound()
	first, why := m.tree, "mounts that come or go below it are nobody else's business"
	if !m.recursive {
		first = m.alone()
	}
	if list[0].recursive || !m.recursive {
		first.Propagation, list = list[0].flag, list[1:]
	}
	switch {
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0 && m.recursive:
		why = "read-only, all the way down, before anybody can reach it"
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0:
		why = "read-only, before anybody can reach it"
	case first.Propagation&^unix.MS_PRIVATE != 0:
		why = "mounts that come or go below it are passed on, as the config says"
	}

	// the calls
	ref := mountRef(m.index)
	if first != (call.MountAttr{}) {
		l.add(side, why, call.MountSetattr(ref, "", m.recursive, first))
	}
	if m.recursive && m.top != (call.MountAttr{}) {
		l.add(side, "this mount alone: an r before the word would mean those below it, too",
			call.MountSetattr(ref, "", false, m.top))
	}
	propagate(l, side, ref, list, m.recursive)
}
