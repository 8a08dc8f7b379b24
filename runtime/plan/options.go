package plan

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The options of a mount come as a list of words, in which four kinds are
// mixed: what is bound and how far, attributes of the mount (read-only),
// propagation of mounts below it, and the filesystem's own (size=64k). The
// kernel takes each kind in another call.

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
	case path.Clean(m.Destination) == "/":
		return errors.New("destination \"/\": that is root.path's place")
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
