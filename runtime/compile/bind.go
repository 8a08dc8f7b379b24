// Core 14 of 28: bind mounts
//
// A bind mount shows a file or a directory in a second place. open_tree(2) clones the
// mount, or a part of it, or with rbind also all mounts below; mount_setattr(2) sets the
// attributes of the clone; and move_mount(2) attaches it. So it is read-only before any
// process can reach it.

package compile

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// partOf is the part of the plan in which a side clones sources.
var partOf = map[plan.Side]string{plan.Host: "sources", plan.Container: "filesystems"}

// bindSource clones the source of a bind mount. With the option idmap a user namespace maps
// the owners of its files (oci_idmap.go).
func bindSource(l *list, side plan.Side, m *mount, mounts []mount, linux *specs.Linux) error {
	ids, err := mountUserns(l, m, mounts, linux)
	if err != nil {
		return err
	}
	ref := mountRef(m.index)
	l.begin(partOf[side], fmt.Sprintf("%s: %s on %s", m.field(), m.Source, m.Destination))
	l.add(side, "clone the mount to bind; its path is not used again", call.OpenTree("", m.Source, m.recursive).As(ref).
		Hint(unix.ENOENT, "create the source: mkdir -p "+m.Source))
	setOwners(l, side, m, ids)
	checkLocked(l, side, m, linux)
	bindAttributes(l, side, m)
	if m.dest == "/proc" {
		l.add(side, "only procfs may be mounted on /proc: programs trust it", checkProcfs(ref, false).
			Hint(unix.EPERM, "mount only procfs on /proc"))
	}
	testDirectory(l, side, m)
	return nil
}

// testDirectory gets the result of isDirRef.
func testDirectory(l *list, side plan.Side, m *mount) {
	l.add(side, "test whether it is a directory: its mount point must be of the same type",
		call.Openat(mountRef(m.index), ".", unix.O_PATH|unix.O_DIRECTORY).As(isDirRef(m.index)).Allow(unix.ENOTDIR))
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
