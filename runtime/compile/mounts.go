// Core 13 of 28: the mounts of the config
//
// A mount (mountoptions.go) is an entry of the config's mounts and its options: dest is the
// path that it is mounted on, bind says that it is a bind mount, remount that it changes an
// earlier mount. inRoot: a bind mount of a directory of the root on itself, to make it
// writable (a volume). copyUp: a tmpfs that begins with the files that it covers.
//
// Mounts are made in three parts of the plan:
//
//	sources      The host clones what is bound from outside (open_tree(2)).
//	filesystems  The child makes the new filesystems, before the pivot: the kernel
//	             permits a new /proc or /sys in a user namespace only while a complete
//	             one is visible in its mount namespace (mount_too_revealing()).
//	attach       The child, after the pivot, makes and opens each mount point
//	             (target.go), and attaches the mount there.
//
// The first two return detached mounts, named @mounts[3] after the field of the config.

package compile

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

// sources clones the mounts of the host that are bound, and its devices.
func (b *builder) sources() error {
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		var err error
		switch {
		case m.remount || m.inRoot():
		case m.bindsCgroup(b.shape.ns[cgroupNS]):
			err = bindCgroup(&b.list, m, b.shape.options.Cgroup2)
		case m.bind:
			err = bindSource(&b.list, m, b.shape.mounts, b.spec.Linux)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.field(), err)
		}
	}
	if b.shape.ns[userNS] == inherited || b.shape.dev == boundDev {
		return nil // the child makes the devices, or has those of the host's directory
	}
	return cloneDevices(&b.list, b.spec.Linux.Devices)
}

// filesystems makes the new filesystems: proc, sysfs, tmpfs, …
func (b *builder) filesystems() error {
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		if m.bind || m.remount || m.bindsCgroup(b.shape.ns[cgroupNS]) || i == b.terminalMount() {
			continue // for a terminal the host has made the devpts (terminal.go)
		}
		b.begin("filesystems", fmt.Sprintf("%s: %s on %s", m.field(), m.Type, m.Destination))
		makeFilesystem(&b.list, plan.Container, m, b.spec.Linux)
	}
	return nil
}

// attach attaches each mount at its destination, in the order of the config.
func (b *builder) attach() error {
	mounts := b.shape.mounts
	for i := range mounts {
		m := &mounts[i]
		b.begin("attach", m.field()+": "+m.Destination)
		if m.remount {
			openTarget(&b.list, m.dest)
			remount(&b.list, m)
			continue
		}

		// the mount point; of a copyUp, first keep the files that it covers (oci_tmpcopyup.go)
		makeTarget(&b.list, m)
		if m.copyUp {
			cloneImageDirs(&b.list, mounts, i)
		}
		openTarget(&b.list, m.dest)

		// the mount
		if m.inRoot() {
			b.container("the directory itself, as a mount", call.OpenTree(target, "", m.recursive).As(mountRef(i)))
			bindAttributes(&b.list, plan.Container, m)
		}
		if m.inheritsMode() {
			inheritMode(&b.list, mountRef(i))
		}
		b.container("attach the mount", call.MoveMount(mountRef(i), target))
		if m.copyUp {
			copyUp(&b.list, mounts, i, b.shape.ns[userNS])
		}
		b.forgetBelow(m.dest)
	}
	return nil
}
