package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A bind mount shows a file or a folder in a second place. It is two calls:
// open_tree(2) makes a copy of the mount, of a part of it and with rbind of all
// mounts below that, which is attached nowhere; and move_mount(2) attaches it. In
// between it is prepared: what is read-only is so before anybody can reach it.

// source holds what a bind mount shows.
func (b *builder) source(i int, o *mountOpts) error {
	m := b.spec.Mounts[i]
	from := fmt.Sprintf("%s: %s on %s", mountField(i), m.Source, m.Destination)
	lent, err := b.mountUserns(i, o)
	if err != nil {
		return err
	}
	b.begin("sources", from)
	b.host("hold what is bound from the host: its name is not used again", call.OpenTree("", m.Source, o.recursive).As(mountRef(i)))
	if o.idmap {
		b.host("its files are shown with the owners that this user namespace gives them",
			call.MountSetattr(mountRef(i), "", o.idmapRecursive && o.recursive, call.MountAttr{Set: unix.MOUNT_ATTR_IDMAP, Userns: lent}))
	}
	b.bindAttributes(plan.Host, i, o)
	if destination(m) == "/proc" {
		b.host("what stands at /proc is believed: it has to be procfs", onProcfs(mountRef(i), false))
	}
	b.host("is it a folder? its target has to be of the same kind", call.Openat(mountRef(i), ".", unix.O_PATH|unix.O_DIRECTORY).As(folderRef(i)).Allow(unix.ENOTDIR))
	return nil
}

// ownCgroup: a mount of cgroup2 shows the tree from the root of the cgroup
// namespace. Without a namespace of its own the container would see, and with
// the right to write leave, its place in the host's.
func (b *builder) ownCgroup(m specs.Mount) bool {
	return (m.Type == "cgroup" || m.Type == "cgroup2") && !b.has(specs.CgroupNamespace)
}

// bindCgroup shows the container its own cgroup instead.
func (b *builder) bindCgroup(i int, o *mountOpts) error {
	if b.options.Cgroup2 == "" {
		return errors.New("type cgroup: there is no cgroup to show, and no namespace of type cgroup")
	}
	b.begin("sources", mountField(i)+": cgroup")
	b.host("its own cgroup and no more of the host's tree: it has no cgroup namespace", call.OpenTree(cgroupFd, "", false).As(mountRef(i)))
	b.bindAttributes(plan.Host, i, o)
	return nil
}

// bindAttributes sets on a clone what mount(2) would set on a bind mount, in a
// first call what goes all the way down, in a second what is for the top alone.
func (b *builder) bindAttributes(side plan.Side, i int, o *mountOpts) {
	list := o.bound()
	first, why := o.tree, "mounts that come or go below it are nobody else's business"
	if !o.recursive {
		first = o.alone()
	}
	if list[0].recursive || !o.recursive {
		first.Propagation, list = list[0].flag, list[1:]
	}
	switch {
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0 && o.recursive:
		why = "read-only, all the way down, before anybody can reach it"
	case first.Set&unix.MOUNT_ATTR_RDONLY != 0:
		why = "read-only, before anybody can reach it"
	case first.Propagation&^unix.MS_PRIVATE != 0:
		why = "mounts that come or go below it are passed on, as the config says"
	}
	if first != (call.MountAttr{}) {
		b.add(side, why, call.MountSetattr(mountRef(i), "", o.recursive, first))
	}
	if o.recursive && o.top != (call.MountAttr{}) {
		b.add(side, "this mount alone: an r before the word would mean those below it, too", call.MountSetattr(mountRef(i), "", false, o.top))
	}
	b.propagate(side, mountRef(i), list, o.recursive)
}
