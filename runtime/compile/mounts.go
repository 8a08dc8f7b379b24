// Core 13 of 28: the mounts of the config
//
// A mount (mountoptions.go) is an entry of the config's mounts and its options: dest is the
// path that it is mounted on, bind says that it is a bind mount, remount that it changes an
// earlier mount. inRoot: a bind mount of a directory of the root on itself, to make it
// writable (a volume). copyUp: a tmpfs that begins with the files that it covers.
//
// Mounts are made in three parts of the plan:
//
//	sources      The host clones what is bound (open_tree(2)) where the child may not: a
//	             user namespace has no rights over the host's files.
//	filesystems  The child makes the new filesystems and clones the rest, before the pivot:
//	             the kernel permits a new /proc or /sys in a user namespace only while a
//	             complete one is visible in its mount namespace (mount_too_revealing()).
//	attach       The child, after the pivot, makes and opens each mount point
//	             (target.go), and attaches the mount there.
//
// The first two return detached mounts, named @mounts[3] after the field of the config. Each
// part is in the order of the config: programs take the last line of /proc/PID/mountinfo
// about a directory for the mount on top, and the kernel sorts it by when a mount was made.

package compile

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

// sources clones what the host has to clone: mounts that are bound, and its devices.
func (b *builder) sources() error {
	for i := range b.shape.mounts {
		if m := &b.shape.mounts[i]; m.kind == hostBind || m.kind == rootBind && m.idmap {
			if err := b.cloneSource(plan.Host, m); err != nil {
				return err
			}
		}
	}
	if b.shape.ns[userNS] == inherited || b.shape.dev == boundDev {
		return nil // the child makes the devices, or has those of the host's directory
	}
	return cloneDevices(&b.list, b.spec.Linux.Devices, b.shape.options.HostNodes)
}

// filesystems makes the new filesystems, proc, sysfs, tmpfs, …, and clones what is bound.
func (b *builder) filesystems() error {
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		switch {
		case m.kind == childBind:
			if err := b.cloneSource(plan.Container, m); err != nil {
				return err
			}
		case m.kind == newFilesystem && i != b.terminalMount(): // the host has made that (terminal.go)
			b.begin("filesystems", fmt.Sprintf("%s: %s on %s", m.field(), m.Type, m.Destination))
			makeFilesystem(&b.list, plan.Container, m, b.spec.Linux)
		}
	}
	return nil
}

// cloneSource clones what a bind mount shows.
func (b *builder) cloneSource(side plan.Side, m *mount) (err error) {
	switch {
	case m.kind == rootBind:
		err = prepareRootBind(&b.list, m, &b.shape, b.spec.Linux)
	case m.bind:
		err = bindSource(&b.list, side, m, b.shape.mounts, b.spec.Linux)
	default:
		err = bindCgroup(&b.list, side, m, &b.shape.options)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", m.field(), err)
	}
	return nil
}

// attach attaches each mount at its destination, in the order of the config.
func (b *builder) attach() error {
	mounts := b.shape.mounts
	for i := range mounts {
		m := &mounts[i]
		b.begin("attach", m.field()+": "+m.Destination)
		switch m.kind {
		case remounted:
			openTarget(&b.list, m.dest)
			remount(&b.list, m)
			continue
		case linkCopy:
			copyLink(&b.list, m)
			continue
		case rootBind:
			cloneFromRoot(&b.list, m, mounts, b.spec.Linux)
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
