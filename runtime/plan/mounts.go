package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
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
	target   = Ref("target")
	isFolder = "folder" // @folder[3]: the source of mounts[3] is a folder
)

func mountRef(i int) Ref  { return Ref(fmt.Sprintf("mounts[%d]", i)) }
func folderRef(i int) Ref { return Ref(fmt.Sprintf("%s[%d]", isFolder, i)) }

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

// source holds what a bind mount shows.
func (b *builder) source(i int, o *mountOpts) error {
	m := b.spec.Mounts[i]
	from := fmt.Sprintf("%s: %s on %s", mountField(i), m.Source, m.Destination)
	lent, err := b.mountUserns(i, o)
	if err != nil {
		return err
	}
	b.begin("sources", from)
	b.host("hold what is bound from the host: its name is not used again", openTree("", m.Source, o.recursive).as(mountRef(i)))
	if o.idmap {
		b.host("its files are shown with the owners that this user namespace gives them",
			mountSetattr(mountRef(i), "", o.idmapRecursive && o.recursive, mountAttr{set: unix.MOUNT_ATTR_IDMAP, userns: lent}))
	}
	b.bindAttributes(Host, i, o)
	if destination(m) == "/proc" {
		b.host("what stands at /proc is believed: it has to be procfs", onProcfs(mountRef(i), false))
	}
	b.host("is it a folder? its target has to be of the same kind", openat(mountRef(i), ".", unix.O_PATH|unix.O_DIRECTORY).as(folderRef(i)).accept(unix.ENOTDIR))
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
	b.host("its own cgroup and no more of the host's tree: it has no cgroup namespace", openTree(cgroupFd, "", false).as(mountRef(i)))
	b.bindAttributes(Host, i, o)
	return nil
}

// bindAttributes sets on a clone what mount(2) would set on a bind mount, in a
// first call what goes all the way down, in a second what is for the top alone.
func (b *builder) bindAttributes(side Side, i int, o *mountOpts) {
	list := o.bound()
	first, why := o.tree, "mounts that come or go below it are nobody else's business"
	if !o.recursive {
		first = o.alone()
	}
	if list[0].recursive || !o.recursive {
		first.propagation, list = list[0].flag, list[1:]
	}
	switch {
	case first.set&unix.MOUNT_ATTR_RDONLY != 0 && o.recursive:
		why = "read-only, all the way down, before anybody can reach it"
	case first.set&unix.MOUNT_ATTR_RDONLY != 0:
		why = "read-only, before anybody can reach it"
	case first.propagation&^unix.MS_PRIVATE != 0:
		why = "mounts that come or go below it are passed on, as the config says"
	}
	if first != (mountAttr{}) {
		b.add(side, why, mountSetattr(mountRef(i), "", o.recursive, first))
	}
	if o.recursive && o.top != (mountAttr{}) {
		b.add(side, "this mount alone: an r before the word would mean those below it, too", mountSetattr(mountRef(i), "", false, o.top))
	}
	b.propagate(side, mountRef(i), list, o.recursive)
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
		if err := b.filesystem(Container, mountRef(i), m, o); err != nil {
			return err
		}
	}
	return nil
}

// whatFor says what a filesystem of the kernel is for.
func whatFor(fstype string) string {
	switch fstype {
	case "proc":
		return "the processes of this pid namespace, and the kernel's knobs"
	case "sysfs":
		return "devices and the links of this network namespace"
	case "tmpfs":
		return "files in memory"
	case "devpts":
		return "pseudo-terminals of its own"
	case "mqueue":
		return "message queues of this IPC namespace"
	case "cgroup2":
		return "the limits that hold it, from its cgroup down"
	}
	return "a filesystem, to be configured"
}

// filesystem makes one and leaves it detached, as @ref.
func (b *builder) filesystem(side Side, ref Ref, m specs.Mount, o *mountOpts) error {
	fstype := m.Type
	if fstype == "cgroup" {
		fstype = "cgroup2"
	}
	const fs = Ref("fs")
	b.add(side, whatFor(fstype), fsopen(fstype).as(fs))
	if m.Source != "" {
		b.add(side, "the name that stands for it in mountinfo", fsconfig(fs, "source", m.Source))
	}
	b.fsOptions(side, fs, o)
	b.contextOption(side, fs, fstype)
	b.add(side, "make it", fscreate(fs))
	attributes := o.alone().set
	if sealedLater(m, o) {
		attributes &^= unix.MOUNT_ATTR_RDONLY
	}
	b.add(side, "as a mount that is attached nowhere yet", fsmount(fs, attributes).as(ref))
	b.fileLabel(side, ref, fstype)
	b.propagate(side, ref, o.propagation, false)
	return nil
}

// fsOptions sets the filesystem's own options.
func (b *builder) fsOptions(side Side, fs Ref, o *mountOpts) {
	for _, d := range o.data {
		key, value, _ := strings.Cut(d, "=")
		if side == Host && key == "uid" {
			value = outside(value, b.linux.UIDMappings)
		}
		if side == Host && key == "gid" {
			value = outside(value, b.linux.GIDMappings)
		}
		b.add(side, "option "+Quote(key), fsconfig(fs, key, value))
	}
}

// outside translates an id of the container, in an option, for the host side. One
// that is not mapped is left to the kernel to refuse.
func outside(id string, maps []specs.LinuxIDMapping) string {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return id
	}
	mapped, err := HostID(uint32(n), maps)
	if err != nil {
		return id
	}
	return strconv.FormatUint(uint64(mapped), 10)
}

// attach puts each mount where it belongs, in the order of the config.
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
		b.openTarget(dest)
		if strings.HasPrefix(m.Source, RootSource) && o.bind {
			b.container("the very folder that is held, as a mount of its own", openTree(target, "", o.recursive).as(mountRef(i)))
			b.bindAttributes(Container, i, o)
		}
		b.container("put it there", moveMount(mountRef(i), target))
		if o.copyUp {
			b.copyUp(i, dest, o)
		}
		b.covered(dest)
	}
	return nil
}

// remount changes a mount that an earlier one has put there: its attributes, and
// with options of its filesystem also that, in all its mounts. Only what the
// words say is changed; mount_setattr(2) refuses a place that is no mount.
func (b *builder) remount(o *mountOpts) {
	if len(o.data) > 0 && !o.bind {
		const fs = Ref("fs")
		b.container("the filesystem that is mounted there", fspick(target).as(fs))
		b.fsOptions(Container, fs, o)
		b.container("take over the new options", fsreconfigure(fs))
	}
	a := o.alone()
	if a != (mountAttr{}) || len(o.data) == 0 {
		b.container("change the mount that is there", mountSetattr(target, "", false, a))
	}
	b.propagate(Container, target, o.propagation, true)
}

// makeTarget makes the place to mount on, and its parents, if they are not
// there. A filesystem has its root in a folder; a bind mount may be a file.
func (b *builder) makeTarget(i int, dest string, bind bool) {
	exists := []unix.Errno{unix.EEXIST, unix.EROFS}
	const why = "a place to mount on; there already is good too"
	b.parents(dest, exists)
	above, name := b.hold(dest)
	dir := mkdirat(above, name, 0o755).accept(exists...)
	if bind && !strings.HasPrefix(b.spec.Mounts[i].Source, RootSource) {
		b.container(why, dir.when(folderRef(i)))
		b.container("a file is mounted on a file", makeFile(above, name, 0o644).accept(exists...).unless(folderRef(i)))
		return
	}
	b.container(why, dir)
	b.made = append(b.made, dest)
}

// parents makes the folders above dest, but for those that have just been
// made: the same call twice tells a reader nothing.
func (b *builder) parents(dest string, accept []unix.Errno) {
	var above []string
	for d := path.Dir(dest); d != "/"; d = path.Dir(d) {
		above = append(above, d)
	}
	for _, d := range slices.Backward(above) {
		if !slices.Contains(b.made, d) && !kernelFolder(d) {
			above, name := b.hold(d)
			b.container("on the way there", mkdirat(above, name, 0o755).accept(accept...))
			b.made = append(b.made, d)
		}
	}
}

// hold opens the folder in which the last name of a path is to be made. With
// the whole path mkdirat(2) and mknodat(2) would follow every link on the way,
// through a door of /proc even, and make it on the host.
func (b *builder) hold(file string) (above Ref, name string) {
	dir, name := path.Split(file)
	if dir == "/" {
		return "", file
	}
	above = "above"
	b.container("hold the folder above: through no door of /proc", openat2("", path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).as(above))
	return above, name
}

// covered forgets the folders below dest that have been made: a mount lies
// over them now.
func (b *builder) covered(dest string) {
	b.made = slices.DeleteFunc(b.made, func(d string) bool { return strings.HasPrefix(d, dest+"/") })
}

// kernelFolder: folders in proc and sysfs are made by the kernel alone.
func kernelFolder(dir string) bool {
	return dir == "/proc" || dir == "/sys" || strings.HasPrefix(dir, "/proc/") || strings.HasPrefix(dir, "/sys/")
}

// openTarget opens the place as @target. After the pivot no link leads out of
// the root; inside, links under /proc, /sys and /dev are refused altogether,
// and elsewhere one must not lead into procfs, where a fake file would be
// believed.
func (b *builder) openTarget(dest string) {
	if ours(dest) {
		b.container("hold the place; a link here would be a trap", openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).as(target))
		return
	}
	b.container("hold the place; links of the image lead nowhere but into the image", openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).as(target))
	b.container("not on procfs by a detour: what lies there is believed", onProcfs(target, true))
}

// onProcfs goes on if a file is on procfs, or, with not, if it is not.
func onProcfs(file Ref, not bool) Step {
	return isOn(file, "PROC_SUPER_MAGIC", unix.PROC_SUPER_MAGIC, not)
}

// isOn asks what kind of filesystem a file is on.
func isOn(file Ref, name string, magic uint64, not bool) Step {
	const statfsSize = 120 // struct statfs, statfs(2), on 64-bit machines
	text := "{f_type == " + name + "}"
	if not {
		text = "{f_type != " + name + "}"
	}
	s := call("fstatfs", unix.SYS_FSTATFS, file, &Mem{Bytes: make([]byte, statfsSize), Text: text})
	s.Expect = &Expect{Arg: 1, Offset: 0, Mask: allBits, Value: magic, Not: not}
	return s
}
