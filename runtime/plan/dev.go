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

// /dev: the few devices that every program expects (runtime-spec,
// config-linux.md, "Default Devices"), links to what /proc knows better, and
// the terminal.
//
// A device node is a name for a pair of numbers; whoever opens it talks to
// the kernel's driver. Nodes are made by the descriptor of the folder, so no
// link can send one elsewhere. In a user namespace the kernel lets nobody
// make nodes, so there the host's own are bound.

const (
	dev  = Ref("dev")
	null = Ref("null") // what files are masked with
	tty  = Ref("tty")  // the container's side of its terminal
)

type device struct {
	name                     string
	kind, mode, major, minor uint32
	uid, gid                 uint32
}

var defaultDevices = []device{
	{"null", unix.S_IFCHR, 0o666, 1, 3, 0, 0},
	{"zero", unix.S_IFCHR, 0o666, 1, 5, 0, 0},
	{"full", unix.S_IFCHR, 0o666, 1, 7, 0, 0},
	{"random", unix.S_IFCHR, 0o666, 1, 8, 0, 0},
	{"urandom", unix.S_IFCHR, 0o666, 1, 9, 0, 0},
	{"tty", unix.S_IFCHR, 0o666, 5, 0, 0, 0},
}

var devLinks = [][2]string{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
}

// furnishDev fills the folder.
func (b *builder) furnishDev() error {
	b.begin("dev", "linux.devices")
	b.container("the folder, by a descriptor that no link can bend", openat2("", "/dev", unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS).as(dev))
	if b.boundDev() {
		b.holdNull()
		return nil
	}
	devices, err := b.deviceList()
	if err != nil {
		return err
	}
	for _, d := range devices {
		b.device(d)
	}
	for _, l := range devLinks {
		b.container("a name that programs expect", symlinkat(l[1], dev, l[0]).accept(unix.EEXIST))
	}
	b.holdNull()
	if b.spec.Process.Terminal {
		b.console()
	}
	return nil
}

// deviceList is the default devices and the config's own.
func (b *builder) deviceList() ([]device, error) {
	devices := slices.Clone(defaultDevices)
	for i, d := range b.linux.Devices {
		own, err := ownDevice(d)
		if err != nil {
			return nil, fmt.Errorf("linux.devices[%d]: %w", i, err)
		}
		if b.has(specs.UserNamespace) && (d.FileMode != nil || d.UID != nil || d.GID != nil) {
			return nil, fmt.Errorf("linux.devices[%d]: fileMode, uid, gid: in a user namespace the host's own node is lent as it is", i)
		}
		devices = slices.DeleteFunc(devices, func(d device) bool { return d.name == own.name })
		devices = append(devices, own)
	}
	return devices, nil
}

// boundDev: the config brings a whole /dev from the host.
func (b *builder) boundDev() bool {
	for _, m := range b.spec.Mounts {
		if o, _ := mountOptions(m); path.Clean(m.Destination) == "/dev" && o.bind {
			return true
		}
	}
	return false
}

func (b *builder) device(d device) {
	b.deviceFolders(d.name)
	if b.has(specs.UserNamespace) {
		b.bindDevice(d)
		return
	}
	folder, name := b.inDev(d.name)
	b.container(fmt.Sprintf("device %d:%d", d.major, d.minor), mknodat(folder, name, d.kind|d.mode, d.major, d.minor).accept(unix.EEXIST))
	if d.uid != 0 || d.gid != 0 {
		b.container("and its owner", fchownat(folder, name, d.uid, d.gid))
	}
}

// deviceFolders makes those in /dev that the name lies in: "cpu" and "cpu/0"
// for "cpu/0/msr".
func (b *builder) deviceFolders(name string) {
	for i, c := range name {
		if dir := "/dev/" + name[:i]; c == '/' && !slices.Contains(b.made, dir) {
			folder, last := b.inDev(name[:i])
			b.container("a folder for devices", mkdirat(folder, last, 0o755).accept(unix.EEXIST))
			b.made = append(b.made, dir)
		}
	}
}

// inDev holds the folder of /dev in which the last name is to be made.
func (b *builder) inDev(name string) (folder Ref, last string) {
	dir, last := path.Split(name)
	if dir == "" {
		return dev, name
	}
	folder = "above"
	b.container("hold the folder; a link here would be a trap", openat2(dev, path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).as(folder))
	return folder, last
}

// ownDevice checks a device of the config; its path lies under /dev.
func ownDevice(d specs.LinuxDevice) (device, error) {
	name, ok := strings.CutPrefix(path.Clean(d.Path), "/dev/")
	if !ok {
		return device{}, fmt.Errorf("path %q: not below /dev", d.Path)
	}
	if d.Major != int64(uint32(d.Major)) || d.Minor != int64(uint32(d.Minor)) {
		return device{}, fmt.Errorf("major, minor: %d:%d: not of 32 bits", d.Major, d.Minor)
	}
	own := device{name: name, mode: 0o666, major: uint32(d.Major), minor: uint32(d.Minor)}
	switch d.Type {
	case "c", "u":
		own.kind = unix.S_IFCHR
	case "b":
		own.kind = unix.S_IFBLK
	case "p":
		own.kind = unix.S_IFIFO
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

// bindDevice lends the host's node to a user namespace. The host side opened
// it before the clone (lendDevices).
func (b *builder) bindDevice(d device) {
	folder, name := b.inDev(d.name)
	b.container("a place for it", makeFile(folder, name, 0o666).accept(unix.EEXIST))
	b.container("hold the place", openat2(dev, d.name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).as(target))
	b.container("the host's device there", moveMount(deviceRef(d), target))
}

// lendDevices holds the host's nodes for bindDevice.
func (b *builder) lendDevices() error {
	if !b.has(specs.UserNamespace) || b.boundDev() {
		return nil
	}
	b.begin("sources", "linux.devices")
	devices, err := b.deviceList()
	for _, d := range devices {
		b.host("a user namespace can make no devices: lend it the host's", openTree("", "/dev/"+d.name, false).as(deviceRef(d)))
		b.isDevice(Host, deviceRef(d), d)
	}
	return err
}

func deviceRef(d device) Ref { return Ref("dev/" + d.name) }

// holdNull opens /dev/null once and makes sure that it is the one: a fake
// would be laid over everything that is to be hidden.
func (b *builder) holdNull() {
	b.container("files are hidden behind /dev/null: hold it", openat2(dev, "null", unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).as(null))
	b.isDevice(Container, null, defaultDevices[0])
}

// isDevice goes on only if what is held is this device and no other.
func (b *builder) isDevice(side Side, held Ref, d device) {
	const statxSize, modeOffset, rdevOffset = 256, 0x18, 0x80
	statx := func(text string, e Expect) Step {
		s := call("statx", unix.SYS_STATX, held, Str(""), flags(unix.AT_EMPTY_PATH, atFlags),
			Num{unix.STATX_BASIC_STATS, "STATX_BASIC_STATS"}, &Mem{Bytes: make([]byte, statxSize), Text: text})
		s.Expect = &e
		return s
	}
	b.add(side, "a device of the right kind, nothing else", statx("{stx_mode="+kindName(d.kind)+"|…}",
		Expect{Arg: 4, Offset: modeOffset, Mask: unix.S_IFMT << 32, Value: uint64(d.kind) << 32}))
	b.add(side, "and the right one", statx(fmt.Sprintf("{stx_rdev=makedev(%d, %d)}", d.major, d.minor),
		Expect{Arg: 4, Offset: rdevOffset, Mask: allBits, Value: uint64(d.major) | uint64(d.minor)<<32}))
}

func (b *builder) isTerminalDevpts(m specs.Mount) bool {
	return b.spec.Process.Terminal && m.Type == "devpts"
}

// terminal makes the container's devpts and its first terminal on the host
// side, so that both ends are at hand before there is a container: the host
// keeps the one, @ptmx, and the child takes the other, @tty, for its standard
// streams. Neither is found by a path, and the host's /dev/pts is not used.
func (b *builder) terminal() error {
	if !b.spec.Process.Terminal {
		return nil
	}
	for i, m := range b.spec.Mounts {
		if m.Type != "devpts" {
			continue
		}
		o, err := mountOptions(m)
		if err != nil {
			return fmt.Errorf("%s: %w", mountField(i), err)
		}
		b.begin("terminal", fmt.Sprintf("process.terminal, %s", mountField(i)))
		if err := b.filesystem(Host, mountRef(i), m, o); err != nil {
			return err
		}
		b.host("a new pair: this end is ours", openat(mountRef(i), "ptmx", unix.O_RDWR|unix.O_NOCTTY).as(Ptmx))
		b.host("the other end may be opened", ioctl(Ptmx, "TIOCSPTLCK", unix.TIOCSPTLCK, words("[0]", 0)))
		b.host("and is, without a path", ioctl(Ptmx, "TIOCGPTPEER", unix.TIOCGPTPEER,
			flags(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, openFlags)).as(tty))
		return b.terminalOwner()
	}
	return errors.New("process.terminal: no mount of type devpts for it")
}

// terminalOwner gives the terminal to the user of the process, and its size.
func (b *builder) terminalOwner() error {
	uid, err := HostID(b.spec.Process.User.UID, b.linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("process.user.uid: %w", err)
	}
	if uid != 0 {
		b.from = "process.user"
		b.host("the terminal belongs to the user of the process", call("fchown", unix.SYS_FCHOWN, tty, num(uid), Num{uint64(^uint32(0)), "-1"}))
	}
	b.windowSize()
	return nil
}

func (b *builder) windowSize() {
	size := b.spec.Process.ConsoleSize
	if size == nil {
		return
	}
	m := &Mem{Text: fmt.Sprintf("{ws_row=%d, ws_col=%d}", size.Height, size.Width)}
	m.Bytes = append(m.Bytes, byte(size.Height), byte(size.Height>>8), byte(size.Width), byte(size.Width>>8), 0, 0, 0, 0)
	b.from = "process.consoleSize"
	b.host("as large as the window it is shown in", ioctl(Ptmx, "TIOCSWINSZ", unix.TIOCSWINSZ, m))
}

// console shows the terminal under its oldest name too.
func (b *builder) console() {
	b.from = "process.terminal"
	const console, ends = "console", Ref("console")
	b.container("a place for it", makeFile(dev, console, 0o600).accept(unix.EEXIST))
	b.container("hold the place", openat2(dev, console, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).as(target))
	b.container("the terminal that is already open, not one found by name", openTree(tty, "", false).as(ends))
	b.container("it is the console", moveMount(ends, target))
}

// outside translates an id in a mount option for the host side.
func (b *builder) outside(id string) string {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return id
	}
	mapped, err := HostID(uint32(n), b.linux.GIDMappings)
	if err != nil {
		return id
	}
	return strconv.FormatUint(uint64(mapped), 10)
}
