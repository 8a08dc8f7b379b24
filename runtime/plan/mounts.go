package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
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
		if !o.bind || strings.HasPrefix(m.Source, RootSource) {
			continue
		}
		b.begin("sources", fmt.Sprintf("%s: %s on %s", mountField(i), m.Source, m.Destination))
		b.host("hold what is bound from the host: its name is not used again", openTree("", m.Source, o.recursive).as(mountRef(i)))
		b.bindAttributes(Host, i, o)
		b.host("is it a folder? its target has to be of the same kind", openat(mountRef(i), ".", unix.O_PATH|unix.O_DIRECTORY).as(folderRef(i)).accept(unix.ENOTDIR))
	}
	b.lendDevices()
	return nil
}

// bindAttributes sets on a clone what mount(2) would set on a bind mount.
// Read-only goes all the way down: a mount below that stays writable is a door.
func (b *builder) bindAttributes(side Side, i int, o *mountOpts) {
	a := mountAttr{set: o.set, clear: o.clear, propagation: o.propagation}
	why := "mounts that come or go below it are nobody else's business"
	if a.set&unix.MOUNT_ATTR_RDONLY != 0 {
		why = "read-only, all the way down, before anybody can reach it"
	}
	b.add(side, why, mountSetattr(mountRef(i), "", o.recursive, a))
}

// filesystems makes the kernel's own: proc, sysfs, tmpfs, …
func (b *builder) filesystems() error {
	for i, m := range b.spec.Mounts {
		o, err := mountOptions(m)
		if err != nil {
			return err
		}
		if o.bind || b.isTerminalDevpts(m) {
			continue
		}
		b.begin("filesystems", fmt.Sprintf("%s: %s on %s", mountField(i), m.Type, m.Destination))
		if err := b.filesystem(Container, mountRef(i), m, o); err != nil {
			return err
		}
	}
	return nil
}

var whyFilesystem = map[string]string{
	"proc":    "the processes of this pid namespace, and the kernel's knobs",
	"sysfs":   "devices and the links of this network namespace",
	"tmpfs":   "files in memory",
	"devpts":  "pseudo-terminals of its own",
	"mqueue":  "message queues of this IPC namespace",
	"cgroup2": "the limits that hold it, from its cgroup down",
}

// filesystem makes one and leaves it detached, as @ref.
func (b *builder) filesystem(side Side, ref Ref, m specs.Mount, o *mountOpts) error {
	fstype := m.Type
	if fstype == "cgroup" {
		fstype = "cgroup2"
	}
	why := whyFilesystem[fstype]
	if why == "" {
		why = "a filesystem, to be configured"
	}
	const fs = Ref("fs")
	b.add(side, why, fsopen(fstype).as(fs))
	if m.Source != "" {
		b.add(side, "the name that stands for it in mountinfo", fsconfig(fs, "source", m.Source))
	}
	for _, d := range o.data {
		key, value, _ := strings.Cut(d, "=")
		if b.has(specs.UserNamespace) && side == Host && (key == "uid" || key == "gid") {
			value = b.outside(value)
		}
		b.add(side, "option "+Quote(key), fsconfig(fs, key, value))
	}
	b.add(side, "make it", fscreate(fs))
	b.add(side, "as a mount that is attached nowhere yet", fsmount(fs, o.set).as(ref))
	return nil
}

// attach puts each mount where it belongs, in the order of the config.
func (b *builder) attach() error {
	for i, m := range b.spec.Mounts {
		o, _ := mountOptions(m)
		b.begin("attach", mountField(i)+": "+m.Destination)
		dest := path.Clean("/" + m.Destination)
		b.makeTarget(i, dest, o.bind)
		b.openTarget(dest)
		if strings.HasPrefix(m.Source, RootSource) && o.bind {
			b.container("the very folder that is held, as a mount of its own", openTree(target, "", o.recursive).as(mountRef(i)))
			b.bindAttributes(Container, i, o)
		}
		b.container("put it there", moveMount(mountRef(i), target))
	}
	return nil
}

// makeTarget makes the place to mount on, and its parents, if they are not
// there. A filesystem has its root in a folder; a bind mount may be a file.
func (b *builder) makeTarget(i int, dest string, bind bool) {
	exists := []unix.Errno{unix.EEXIST, unix.EROFS}
	const why = "a place to mount on; there already is good too"
	b.parents(dest, exists)
	dir := mkdirat("", dest, 0o755).accept(exists...)
	if bind && !strings.HasPrefix(b.spec.Mounts[i].Source, RootSource) {
		b.container(why, dir.when(folderRef(i)))
		b.container("a file is mounted on a file", makeFile("", dest, 0o644).accept(exists...).unless(folderRef(i)))
		return
	}
	b.container(why, dir)
}

// parents makes the folders above dest. Only those that the list of made
// folders does not have yet: the same call twice tells a reader nothing.
func (b *builder) parents(dest string, accept []unix.Errno) {
	var above []string
	for d := path.Dir(dest); d != "/"; d = path.Dir(d) {
		above = append(above, d)
	}
	slices.Reverse(above)
	for _, d := range above {
		made := slices.ContainsFunc(b.steps, func(s Step) bool {
			return s.Name == "mkdirat" && s.If == "" && s.Args[1] == Arg(Str(d))
		})
		if !made && !kernelFolder(d) {
			b.container("on the way there", mkdirat("", d, 0o755).accept(accept...))
		}
	}
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
	s := call("fstatfs", unix.SYS_FSTATFS, target, &Mem{Bytes: make([]byte, statfsSize), Text: "{f_type != PROC_SUPER_MAGIC}"})
	s.Expect = &Expect{Arg: 1, Offset: 0, Mask: allBits, Value: unix.PROC_SUPER_MAGIC, Not: true}
	b.container("not on procfs by a detour: what lies there is believed", s)
}

const statfsSize = 120 // struct statfs, statfs(2), on 64-bit machines

// mountOpts are the options of a mount, sorted by what they are to the kernel.
type mountOpts struct {
	bind, recursive bool
	set, clear      uint64   // MOUNT_ATTR_*
	propagation     uint64   // MS_PRIVATE, …
	data            []string // for the filesystem itself: size=64k
}

// mountOptions sorts them (runtime-spec, config.md, "Linux mount options").
func mountOptions(m specs.Mount) (*mountOpts, error) {
	o := &mountOpts{bind: m.Type == "bind"}
	if !strings.HasPrefix(m.Destination, "/") {
		return nil, fmt.Errorf("destination %q: not an absolute path", m.Destination)
	}
	for _, name := range m.Options {
		if name == "bind" || name == "rbind" {
			o.bind, o.recursive = true, name == "rbind"
		} else if p := propagation(name); p != 0 {
			o.propagation = p
		} else if a, drop, ok := attribute(name); ok {
			o.set = o.set&^(a.clear|drop) | a.set
			o.clear |= a.clear
		} else if unsupported(name) {
			return nil, fmt.Errorf("option %q: not implemented", name)
		} else {
			o.data = append(o.data, name)
		}
	}
	return o, o.validate(m)
}

func (o *mountOpts) validate(m specs.Mount) error {
	switch {
	case o.bind && len(o.data) > 0:
		return fmt.Errorf("option %q: not known for a bind mount", o.data[0])
	case o.bind && m.Source == "":
		return errors.New("source: empty, but a bind mount needs one")
	case strings.HasPrefix(m.Source, RootSource) && m.Source != RootSource+m.Destination:
		return fmt.Errorf("source %q: a folder of the root is mounted on itself alone", m.Source)
	case !o.bind && m.Type == "":
		return errors.New("type: empty, and neither bind nor rbind is among the options")
	case len(m.UIDMappings)+len(m.GIDMappings) > 0:
		return errors.New("uidMappings, gidMappings: not implemented")
	}
	if o.bind && o.propagation == 0 {
		o.propagation = unix.MS_PRIVATE
	}
	return nil
}

// propagation is the MS_ flag of an option's name.
func propagation(option string) uint64 {
	switch strings.TrimPrefix(option, "r") {
	case "private":
		return unix.MS_PRIVATE
	case "slave":
		return unix.MS_SLAVE
	case "shared":
		return unix.MS_SHARED
	case "unbindable":
		return unix.MS_UNBINDABLE
	}
	return 0
}

// attribute is what an option's name sets and clears. "rw" and its kind only
// take back an earlier "ro": they never make writable what the host mounted
// read-only.
func attribute(option string) (a mountAttr, drop uint64, ok bool) {
	switch option {
	case "ro", "rro":
		a.set = unix.MOUNT_ATTR_RDONLY
	case "nosuid", "rnosuid":
		a.set = unix.MOUNT_ATTR_NOSUID
	case "nodev", "rnodev":
		a.set = unix.MOUNT_ATTR_NODEV
	case "noexec", "rnoexec":
		a.set = unix.MOUNT_ATTR_NOEXEC
	case "nosymfollow", "rnosymfollow":
		a.set = unix.MOUNT_ATTR_NOSYMFOLLOW
	case "nodiratime", "rnodiratime":
		a.set = unix.MOUNT_ATTR_NODIRATIME
	case "noatime", "rnoatime":
		a = mountAttr{set: unix.MOUNT_ATTR_NOATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "strictatime", "rstrictatime":
		a = mountAttr{set: unix.MOUNT_ATTR_STRICTATIME, clear: unix.MOUNT_ATTR__ATIME}
	case "relatime", "rrelatime", "norelatime", "nostrictatime", "atime", "ratime":
		a.clear = unix.MOUNT_ATTR__ATIME
	case "diratime", "rdiratime":
		drop = unix.MOUNT_ATTR_NODIRATIME
	case "rw", "rrw":
		drop = unix.MOUNT_ATTR_RDONLY
	case "suid", "rsuid":
		drop = unix.MOUNT_ATTR_NOSUID
	case "dev", "rdev":
		drop = unix.MOUNT_ATTR_NODEV
	case "exec", "rexec":
		drop = unix.MOUNT_ATTR_NOEXEC
	case "symfollow", "rsymfollow":
		drop = unix.MOUNT_ATTR_NOSYMFOLLOW
	case "defaults", "async":
	default:
		return a, 0, false
	}
	return a, drop, true
}

// unsupported are options that the specification knows and this package does
// not: an option that is none of ours would else be taken for one of the
// filesystem's own.
func unsupported(option string) bool {
	switch option {
	case "idmap", "ridmap", "tmpcopyup", "remount", "sync", "dirsync", "mand", "nomand",
		"iversion", "noiversion", "lazytime", "nolazytime", "silent", "loud", "acl", "noacl":
		return true
	}
	return false
}
