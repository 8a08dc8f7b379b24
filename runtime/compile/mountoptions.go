// The options of a mount are a list of words (runtime-spec, config.md, "Linux mount
// options"). Five kinds are mixed in it, and the kernel takes each in another call:
//
//	what it is      bind, rbind, remount, tmpcopyup, idmap, ridmap, copy-symlink
//	attributes      ro, nosuid, noatime, …: of the mount, so that the same
//	                filesystem can be writable elsewhere
//	propagation     shared, slave, …: of mounts below it (oci_propagation.go)
//	the kernel's    sync, lazytime, …: of any filesystem, for all its mounts
//	the filesystem's own: size=64k
//
// An r before an attribute or a propagation means the mount and all below it; without
// it, this mount alone. A later word overrides an earlier one.

package compile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// mountOpts are the options of a mount, by kind.
type mountOpts struct {
	bind, recursive       bool // bind or rbind; rbind
	remount, copyUp       bool
	copyLink              bool // oci_copylink.go
	idmap, idmapRecursive bool
	top, tree             call.MountAttr // attributes of this mount alone; and of all below it, too
	propagation           []propagation
	data                  []string // for the filesystem: size=64k
}

// RootSource begins the source of a bind mount that is inside the root filesystem itself:
// "rootfs:/data" on "/data" makes that directory a mount of its own, writable even with
// a read-only root. It is no path of the host.
const RootSource = "rootfs:"

// DescriptorSource begins the source of a bind mount that the caller has opened, before the
// number of its descriptor.
const DescriptorSource = "/proc/self/fd/"

// mount is an entry of the config's mounts, and its options.
type mount struct {
	specs.Mount
	mountOpts
	index    int
	dest     string // the absolute path that it is mounted on
	kind     mountKind
	rootPath string // of a rootBind: the path of the source in the container's root
	link     string // of a linkCopy: what it points to
}

// mountKind is how a mount is made.
type mountKind uint8

const (
	newFilesystem mountKind = iota // the child makes it
	childBind                      // the child clones the source, before the pivot
	hostBind                       // the host clones the source
	rootBind                       // the child clones it when it is attached: it is in the root
	remounted                      // it changes an earlier mount
	linkCopy                       // the child makes a symbolic link (oci_copylink.go)
)

// setKinds finds the kind of each mount, for the root of the container. host is true if the
// host has to clone the sources of bind mounts, and noCgroupNS if a mount of type cgroup is one.
func setKinds(mounts []mount, root string, host, noCgroupNS bool) {
	for i := range mounts {
		m := &mounts[i]
		m.rootPath = rootPath(m, mounts[:i], root)
		switch {
		case m.remount:
			m.kind = remounted
		case m.rootPath != "":
			m.kind = rootBind
		case !m.bind && !(noCgroupNS && (m.Type == "cgroup" || m.Type == "cgroup2")):
			m.kind = newFilesystem
		// the descriptor of a cgroup, or of a caller, is in the host's mount namespace
		case host || m.idmap || !m.bind || strings.HasPrefix(m.Source, DescriptorSource):
			m.kind = hostBind
		default:
			m.kind = childBind
		}
	}
}

// rootPath returns the path in the container's root of the source of a bind mount: a source
// of RootSource, or one below root.path that an earlier mount shows. It is "" for others.
func rootPath(m *mount, earlier []mount, root string) string {
	if own, ok := strings.CutPrefix(m.Source, RootSource); ok && m.bind {
		return path.Clean("/" + own)
	}
	below, ok := strings.CutPrefix(path.Clean(m.Source), path.Clean(root)+"/")
	if !ok || !m.bind || !slices.ContainsFunc(earlier, func(e mount) bool {
		return !e.remount && strings.HasPrefix("/"+below+"/", e.dest+"/")
	}) {
		return ""
	}
	return "/" + below
}

// parseMounts reads the options of all mounts.
func parseMounts(spec *specs.Spec) ([]mount, error) {
	mounts := make([]mount, len(spec.Mounts))
	for i, m := range spec.Mounts {
		o, err := mountOptions(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", mountField(i), err)
		}
		mounts[i] = mount{Mount: m, mountOpts: *o, index: i, dest: destination(m)}
		mounts[i].completeBind(spec.Linux)
	}
	return mounts, nil
}

func mountField(i int) string { return fmt.Sprintf("mounts[%d]", i) }

// field is the mount's name in messages, and its result's name in the plan.
func (m *mount) field() string { return mountField(m.index) }

// inRoot reports whether a directory of the root filesystem is mounted on itself.
func (m *mount) inRoot() bool { return m.kind == rootBind && m.rootPath == m.dest }

// inheritsMode reports whether a tmpfs gets the mode of the directory that it covers,
// so that a closed directory stays closed: when no option says another.
func (m *mount) inheritsMode() bool {
	return m.Type == "tmpfs" && !m.bind && !m.copyUp && !m.remount &&
		!slices.ContainsFunc(m.data, func(d string) bool { return strings.HasPrefix(d, "mode=") })
}

// readOnlyLater reports whether a mount becomes read-only at the end (mask.go): in a
// new tmpfs, and in /dev, places for other mounts and devices are still to be made.
func (m *mount) readOnlyLater() bool {
	return m.topAttributes().Set&unix.MOUNT_ATTR_RDONLY != 0 && !m.bind && !m.remount &&
		(m.Type == "tmpfs" || m.dest == "/dev")
}

// destination is the place of a mount. A relative one starts from "/".
func destination(m specs.Mount) string { return path.Clean("/" + m.Destination) }

// Binds reports whether a mount shows a file or directory that exists already, and
// not a filesystem of its type.
func Binds(m specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// mountOptions sorts them (runtime-spec, config.md, "Linux mount options").
func mountOptions(m specs.Mount) (*mountOpts, error) {
	o := &mountOpts{bind: Binds(m), remount: slices.Contains(m.Options, "remount")}
	for _, word := range m.Options {
		o.word(word)
	}
	if len(m.UIDMappings)+len(m.GIDMappings) > 0 {
		o.idmap = true
	}
	return o, o.validate(m)
}

func (o *mountOpts) word(word string) {
	bit, on, ok := attribute(word)
	rbit, ron, rok := attribute(strings.TrimPrefix(word, "r"))
	p, propagates := propagationOf(word)
	switch {
	case ok:
		if takesBack := !on && bit&^atimes == 0; !takesBack || !o.bind || o.remount {
			o.top.Put(bit, on)
		}
	case rok:
		o.tree.Put(rbit, ron)
		o.top.Forget(rbit)
	case propagates:
		o.propagation = append(o.propagation, p)
	case word == "bind" || word == "rbind":
		o.recursive = o.recursive || word == "rbind"
	case word == "tmpcopyup":
		o.copyUp = true
	case word == copySymlink:
		o.copyLink = true
	case word == "idmap" || word == "ridmap":
		o.idmap, o.idmapRecursive = true, word == "ridmap"
	case needless(word) || word == "remount":
	default:
		o.data = append(o.data, word)
	}
}

func (o *mountOpts) validate(m specs.Mount) error {
	switch {
	case m.Destination == "":
		return errors.New("destination: empty")
	case destination(m) == "/":
		return errors.New("destination \"/\": is root.path")
	case o.bind && !o.remount && m.Source == "":
		return errors.New("source: must not be empty for a bind mount")
	case strings.HasPrefix(m.Source, RootSource) && m.Source != RootSource+m.Destination:
		return fmt.Errorf("source %q: must be the destination", m.Source)
	case !o.bind && !o.remount && m.Type == "":
		return errors.New("type: must not be empty without bind or rbind")
	case destination(m) == "/proc" && !o.bind && !o.remount && m.Type != "proc":
		return fmt.Errorf("type %q: only proc may be mounted on /proc", m.Type)
	case o.copyUp && (m.Type != "tmpfs" || o.bind || o.remount):
		return errors.New(`option "tmpcopyup": requires a new tmpfs`)
	case o.copyLink && (!o.bind || o.remount || IsKernelPath(destination(m))):
		return errors.New(`option "copy-symlink": requires a bind mount outside of /proc, /sys and /dev`)
	case o.idmap && (!o.bind || o.remount || strings.HasPrefix(m.Source, RootSource)):
		return errors.New(`option "idmap": requires a bind mount of a host path`)
	case (len(m.UIDMappings) == 0) != (len(m.GIDMappings) == 0):
		return errors.New("uidMappings, gidMappings: one requires the other")
	}
	if o.bind {
		return o.validateBind()
	}
	return nil
}

// validateBind looks at what is left for the filesystem: a bind mount shows one
// that is already there. mount(2) ignores the options of another type's, such as
// size=64k, and so it is here; but a word that asks for something of this very
// mount is not forgotten.
func (o *mountOpts) validateBind() error {
	for _, d := range o.data {
		key, _, hasValue := strings.Cut(d, "=")
		switch {
		case key == "async" || key == "nolazytime" || key == "nomand":
		case !hasValue || key == "idmap" || key == "ridmap" || strings.HasSuffix(key, "context"):
			return fmt.Errorf("option %q: unknown for a bind mount", d)
		}
	}
	return nil
}

// needless words ask for what is so anyway. There is nothing that silent and loud
// would choose between: a filesystem that is made by fsopen(2) tells its
// descriptor what went wrong, not the machine's log. Versions of inodes are
// counted by every filesystem that can, without being asked, since Linux 6.6.
func needless(word string) bool {
	switch word {
	case "defaults", "silent", "loud", "iversion", "noiversion":
		return true
	}
	return false
}

// attribute is the MOUNT_ATTR_ of a word, and whether the word puts it on or
// takes it away.
func attribute(word string) (bit uint64, on, ok bool) {
	switch word {
	case "ro", "rw":
		return unix.MOUNT_ATTR_RDONLY, word == "ro", true
	case "nosuid", "suid":
		return unix.MOUNT_ATTR_NOSUID, word == "nosuid", true
	case "nodev", "dev":
		return unix.MOUNT_ATTR_NODEV, word == "nodev", true
	case "noexec", "exec":
		return unix.MOUNT_ATTR_NOEXEC, word == "noexec", true
	case "nosymfollow", "symfollow":
		return unix.MOUNT_ATTR_NOSYMFOLLOW, word == "nosymfollow", true
	case "nodiratime", "diratime":
		return unix.MOUNT_ATTR_NODIRATIME, word == "nodiratime", true
	case "noatime", "atime":
		return unix.MOUNT_ATTR_NOATIME, word == "noatime", true
	case "strictatime", "nostrictatime":
		return unix.MOUNT_ATTR_STRICTATIME, word == "strictatime", true
	case "relatime", "norelatime":
		return unix.MOUNT_ATTR_RELATIME, word == "relatime", true
	}
	return 0, false, false
}

// topAttributes is what holds for a mount that has none below it.
func (o *mountOpts) topAttributes() call.MountAttr {
	top := o.top.Set | o.top.Clear
	return call.MountAttr{Set: o.tree.Set&^top | o.top.Set, Clear: o.tree.Clear&^top | o.top.Clear}
}

type propagation struct {
	flag      uint64 // MS_SHARED, …
	recursive bool   // of all mounts below it, too
}

// propagationOf is what a word like "rslave" means.
func propagationOf(word string) (p propagation, ok bool) {
	plain, r := strings.CutPrefix(word, "r")
	if !r {
		plain = word
	}
	switch plain {
	case "private":
		return propagation{unix.MS_PRIVATE, r}, true
	case "slave":
		return propagation{unix.MS_SLAVE, r}, true
	case "shared":
		return propagation{unix.MS_SHARED, r}, true
	case "unbindable":
		return propagation{unix.MS_UNBINDABLE, r}, true
	}
	return propagation{}, false
}

// bindPropagation is what becomes of the peers of a tree that is bound, call by call.
func (o *mountOpts) bindPropagation() []propagation {
	list := slices.Clone(o.propagation)
	if len(list) == 0 {
		return []propagation{{unix.MS_PRIVATE, true}}
	}
	switch first := &list[0]; first.flag {
	case unix.MS_PRIVATE, unix.MS_SLAVE:
		first.recursive = true
	case unix.MS_UNBINDABLE:
		if !first.recursive && o.recursive {
			list = slices.Insert(list, 0, propagation{unix.MS_PRIVATE, true})
		}
	}
	return list
}
