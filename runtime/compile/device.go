package compile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A device node is a name for a pair of numbers; whoever opens it talks to the
// kernel's driver. Nodes are made by the descriptor of the folder they lie in, so
// no link can send one elsewhere: in /dev none is followed, and in the image none
// that leads out of it. In a user namespace the kernel lets nobody make nodes, so
// there the host's own are bound, with the owner and mode that they have.
//
// What is there already is left, if it is the device that was asked for, and else
// is an error (runtime-spec, config-linux.md, "Devices").

type device struct {
	path                     string // from the container's root
	kind, mode, major, minor uint32
	uid, gid                 uint32
}

var defaultDevices = []device{
	{"/dev/null", unix.S_IFCHR, 0o666, 1, 3, 0, 0},
	{"/dev/zero", unix.S_IFCHR, 0o666, 1, 5, 0, 0},
	{"/dev/full", unix.S_IFCHR, 0o666, 1, 7, 0, 0},
	{"/dev/random", unix.S_IFCHR, 0o666, 1, 8, 0, 0},
	{"/dev/urandom", unix.S_IFCHR, 0o666, 1, 9, 0, 0},
	{"/dev/tty", unix.S_IFCHR, 0o666, 5, 0, 0, 0},
}

// deviceList is the default devices and the config's own. /dev/ptmx is always a
// link to the container's own devpts.
func (b *builder) deviceList() ([]device, error) {
	devices := slices.Clone(defaultDevices)
	for i, d := range b.linux.Devices {
		own, err := ownDevice(d)
		if err != nil {
			return nil, fmt.Errorf("linux.devices[%d]: %w", i, err)
		}
		devices = slices.DeleteFunc(devices, func(d device) bool { return d.path == own.path })
		if own.path != "/dev/ptmx" {
			devices = append(devices, own)
		}
	}
	return devices, nil
}

// ownDevice checks a device of the config.
func ownDevice(d specs.LinuxDevice) (device, error) {
	if !path.IsAbs(d.Path) || path.Clean(d.Path) == "/" {
		return device{}, fmt.Errorf("path %q: not the absolute path of a file", d.Path)
	}
	if d.Major != int64(uint32(d.Major)) || d.Minor != int64(uint32(d.Minor)) {
		return device{}, fmt.Errorf("major, minor: %d:%d: not of 32 bits", d.Major, d.Minor)
	}
	own := device{path: path.Clean(d.Path), mode: 0o666, major: uint32(d.Major), minor: uint32(d.Minor)}
	switch d.Type {
	case "c", "u":
		own.kind = unix.S_IFCHR
	case "b":
		own.kind = unix.S_IFBLK
	case "p":
		own.kind, own.major, own.minor = unix.S_IFIFO, 0, 0
	default:
		return device{}, fmt.Errorf("type %q: want c, u, b or p", d.Type)
	}
	if d.FileMode != nil {
		own.mode = uint32(*d.FileMode) & 0o7777
	}
	if d.UID != nil {
		own.uid = *d.UID
	}
	if d.GID != nil {
		own.gid = *d.GID
	}
	return own, nil
}

// device makes one. Nothing is in its place yet if that is fresh.
func (b *builder) device(d device, fresh bool) {
	folder, name := b.deviceFolder(d.path)
	if b.lent(d) {
		b.bindDevice(d, folder, name)
		return
	}
	const made, there = plan.Ref("made"), plan.Ref("there")
	node := call.Mknodat(folder, name, d.kind|d.mode, d.major, d.minor)
	if fresh {
		b.container(deviceWhy(d), node)
	} else {
		b.container(deviceWhy(d), node.As(made).Allow(unix.EEXIST))
		b.container("something is there already", call.Openat2(folder, name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).WhenNot(made).As(there))
		b.isDevice(plan.Container, there, d)
	}
	if d.uid != 0 || d.gid != 0 {
		b.container("and its owner", call.Fchownat(folder, name, d.uid, d.gid))
	}
}

func deviceWhy(d device) string {
	if d.kind == unix.S_IFIFO {
		return "a FIFO"
	}
	return fmt.Sprintf("device %d:%d", d.major, d.minor)
}

// onlyOurs: right in /dev, if that was made for this container, there is nothing but
// what this plan has put there.
func (b *builder) onlyOurs(file string) bool {
	return path.Dir(file) == "/dev" && !slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool {
		return destination(m) == file
	})
}

// deviceFolder makes the folders that a device lies in, and holds the last.
func (b *builder) deviceFolder(file string) (folder plan.Ref, name string) {
	inDev, ok := strings.CutPrefix(file, "/dev/")
	if !ok {
		b.parents(file, []unix.Errno{unix.EEXIST, unix.EROFS})
		return b.hold(file)
	}
	for i, c := range inDev {
		if dir := "/dev/" + inDev[:i]; c == '/' && !slices.Contains(b.made, dir) {
			folder, last := b.inDev(inDev[:i])
			b.container("a folder for devices", call.Mkdirat(folder, last, 0o755).Allow(unix.EEXIST))
			b.made = append(b.made, dir)
		}
	}
	return b.inDev(inDev)
}

// inDev holds the folder of /dev in which the last name is to be made.
func (b *builder) inDev(name string) (folder plan.Ref, last string) {
	dir, last := path.Split(name)
	if dir == "" {
		return dev, name
	}
	folder = "above"
	b.container("hold the folder; a link here would be a trap", call.Openat2(dev, path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).As(folder))
	return folder, last
}

// bindDevice lends the host's node to a user namespace. The host side opened
// it before the clone (lendDevices).
func (b *builder) bindDevice(d device, folder plan.Ref, name string) {
	b.container("a place for it", call.MakeFile(folder, name, 0o666).Allow(unix.EEXIST))
	b.container("hold the place", call.Openat2(folder, name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).As(target))
	b.container("the host's device there", call.MoveMount(deviceRef(d), target))
}

// lendDevices holds the host's nodes for bindDevice.
func (b *builder) lendDevices() error {
	if !b.has(specs.UserNamespace) || b.boundDev() {
		return nil
	}
	b.begin("sources", "linux.devices")
	devices, err := b.deviceList()
	for _, d := range devices {
		if b.lent(d) {
			b.host("a user namespace can make no devices: lend it the host's", call.OpenTree("", d.path, false).As(deviceRef(d)))
			b.isDevice(plan.Host, deviceRef(d), d)
		}
	}
	return err
}

// lent: made by the host, not by the container. A FIFO anybody can make.
func (b *builder) lent(d device) bool { return b.has(specs.UserNamespace) && d.kind != unix.S_IFIFO }

func deviceRef(d device) plan.Ref { return plan.Ref(strings.TrimPrefix(d.path, "/")) }

// isDevice goes on only if what is held is this device and no other.
func (b *builder) isDevice(side plan.Side, held plan.Ref, d device) {
	const modeOffset, rdevOffset = 0x18, 0x80
	is := func(text string, e plan.Expect) plan.Step {
		s := call.Statx(held, text)
		s.Expect = &e
		return s
	}
	b.add(side, "a device of the right kind, nothing else", is("{stx_mode="+call.KindName(d.kind)+"|…}",
		plan.Expect{Arg: 4, Offset: modeOffset, Mask: unix.S_IFMT << 32, Value: uint64(d.kind) << 32}))
	b.add(side, "and the right one", is(fmt.Sprintf("{stx_rdev=makedev(%d, %d)}", d.major, d.minor),
		plan.Expect{Arg: 4, Offset: rdevOffset, Mask: call.AllBits, Value: uint64(d.major) | uint64(d.minor)<<32}))
}
