package compile

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
)

// The mounts of the config, in three movements:
//
//	sources      host: hold what is bound from outside (open_tree clones it)
//	filesystems  child, before the pivot: make the new filesystems, detached.
//	             Before, because the kernel gives a user namespace a /proc or
//	             /sys only as long as it sees a full one already.
//	attach       child, after the pivot: make each target, open it without
//	             letting a link lead astray, and put the mount on it.
//
// The result of the first two is called after the field of the config,
// @mounts[3], and the third uses it.

// RootSource begins the source of a bind mount whose source lies inside the
// root filesystem itself: "rootfs:/data" onto "/data" makes that folder a
// mount of its own, writable even under a read-only root. It is how an image's
// volumes are made, and no host path can be meant by it.
const RootSource = "rootfs:"

const (
	target   = plan.Ref("target")
	isFolder = "folder" // @folder[3]: the source of mounts[3] is a folder
)

func mountRef(i int) plan.Ref  { return plan.Ref(fmt.Sprintf("mounts[%d]", i)) }
func folderRef(i int) plan.Ref { return plan.Ref(fmt.Sprintf("%s[%d]", isFolder, i)) }

func mountField(i int) string { return fmt.Sprintf("mounts[%d]", i) }

// sources holds what comes from outside.
func (b *builder) sources() error {
	for i, m := range b.spec.Mounts {
		o, err := mountOptions(m)
		if err != nil {
			return fmt.Errorf("%s: %w", mountField(i), err)
		}
		switch {
		case o.remount || o.bind && strings.HasPrefix(m.Source, RootSource):
		case b.ownCgroup(m):
			err = b.bindCgroup(i, o)
		case o.bind:
			err = b.source(i, o)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", mountField(i), err)
		}
	}
	return b.lendDevices()
}

// filesystems makes the kernel's own: proc, sysfs, tmpfs, …
func (b *builder) filesystems() error {
	for i, m := range b.spec.Mounts {
		o, err := mountOptions(m)
		if err != nil {
			return err
		}
		if o.bind || o.remount || b.isTerminalDevpts(m) || b.ownCgroup(m) {
			continue
		}
		b.begin("filesystems", fmt.Sprintf("%s: %s on %s", mountField(i), m.Type, m.Destination))
		if err := b.filesystem(plan.Container, mountRef(i), m, o); err != nil {
			return err
		}
	}
	return nil
}

// attach puts each mount where it belongs, in the order of the config. (What
// /proc/self/mountinfo lists is another order since Linux 6.8, that in which mounts
// were made: the host's first.)
func (b *builder) attach() error {
	for i, m := range b.spec.Mounts {
		o, _ := mountOptions(m)
		b.begin("attach", mountField(i)+": "+m.Destination)
		dest := destination(m)
		if o.remount {
			b.openTarget(dest)
			b.remount(o)
			continue
		}
		b.makeTarget(i, dest, o.bind)
		if o.copyUp {
			b.holdImage(i)
		}
		b.openTarget(dest)
		if strings.HasPrefix(m.Source, RootSource) && o.bind {
			b.container("the very folder that is held, as a mount of its own", call.OpenTree(target, "", o.recursive).As(mountRef(i)))
			b.bindAttributes(plan.Container, i, o)
		}
		if b.takesMode(i) {
			b.takeMode(i)
		}
		b.container("put it there", call.MoveMount(mountRef(i), target))
		if o.copyUp {
			b.copyUp(i, dest, o)
		}
		b.covered(dest)
	}
	return nil
}
