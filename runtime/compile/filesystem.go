package compile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A filesystem is made by fsopen(2), one fsconfig(2) for each option, and one to
// create it: what the old mount(2) took as one string. fsmount(2) makes a mount of
// it, attached nowhere, with attributes of its own.

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
func (b *builder) filesystem(side plan.Side, ref plan.Ref, m specs.Mount, o *mountOpts) error {
	fstype := m.Type
	if fstype == "cgroup" {
		fstype = "cgroup2"
	}
	const fs = plan.Ref("fs")
	b.add(side, whatFor(fstype), call.Fsopen(fstype).As(fs))
	if m.Source != "" {
		b.add(side, "the name that stands for it in mountinfo", call.Fsconfig(fs, "source", m.Source))
	}
	b.fsOptions(side, fs, o)
	b.contextOption(side, fs, fstype)
	b.add(side, "make it", call.Fscreate(fs))
	attributes := o.alone().Set
	if sealedLater(m, o) {
		attributes &^= unix.MOUNT_ATTR_RDONLY
	}
	b.add(side, "as a mount that is attached nowhere yet", call.Fsmount(fs, attributes).As(ref))
	b.fileLabel(side, ref, fstype)
	b.propagate(side, ref, o.propagation, false)
	return nil
}

// fsOptions sets the filesystem's own options.
func (b *builder) fsOptions(side plan.Side, fs plan.Ref, o *mountOpts) {
	for _, d := range o.data {
		key, value, _ := strings.Cut(d, "=")
		if side == plan.Host && key == "uid" {
			value = outside(value, b.linux.UIDMappings)
		}
		if side == plan.Host && key == "gid" {
			value = outside(value, b.linux.GIDMappings)
		}
		b.add(side, "option "+printable.Quote(key), call.Fsconfig(fs, key, value))
	}
}

const newPlace = plan.Ref("new") // a place to mount on, if it was not there

// takesMode tells of a tmpfs whose mode nobody says: it gets that of the folder it
// covers, so that a closed folder stays closed. Over a new one it is for all, as
// the kernel has it.
func (b *builder) takesMode(i int) bool {
	m := b.spec.Mounts[i]
	o, _ := mountOptions(m)
	return m.Type == "tmpfs" && !o.bind && !o.copyUp && !o.remount &&
		!slices.ContainsFunc(o.data, func(d string) bool { return strings.HasPrefix(d, "mode=") })
}

// takeMode gives it that mode.
func (b *builder) takeMode(i int) {
	const mode, modeOffset = plan.Ref("mode"), 0x1c // of struct statx, statx(2)
	look := call.Statx(target, "{stx_mode}").As(mode).WhenNot(newPlace)
	look.Returns = &plan.Place{Arg: 4, Offset: modeOffset}
	b.container("who may use the folder that it covers?", look)
	b.container("the same who may use it", plan.Syscall("fchmodat", unix.SYS_FCHMODAT, mountRef(i), plan.Str("."), mode))
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

// remount changes a mount that an earlier one has put there: its attributes, and
// with options of its filesystem also that, in all its mounts. Only what the
// words say is changed; mount_setattr(2) refuses a place that is no mount.
func (b *builder) remount(o *mountOpts) {
	if len(o.data) > 0 && !o.bind {
		const fs = plan.Ref("fs")
		b.container("the filesystem that is mounted there", call.Fspick(target).As(fs))
		b.fsOptions(plan.Container, fs, o)
		b.container("take over the new options", call.Fsreconfigure(fs))
	}
	a := o.alone()
	if a != (call.MountAttr{}) || len(o.data) == 0 {
		b.container("change the mount that is there", call.MountSetattr(target, "", false, a))
	}
	b.propagate(plan.Container, target, o.propagation, true)
}
