// Core 18 of 28: devices
//
// A device node is a name for a pair of numbers, major and minor: what is read from it
// or written to it goes to the driver in the kernel that has these numbers (mknod(2)).
//
// Rules:
//
//   - A node is made by the descriptor of its directory, so that no link can lead it
//     elsewhere: in /dev none is followed, and in the image none that leads out of it.
//   - A file that exists at the path stays if it is the device that was asked for, and
//     else is an error (runtime-spec, config-linux.md, "Devices").
//   - In a user namespace the kernel refuses to make nodes. There the host's nodes are
//     bound, with their owner and mode.

package compile

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

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

// deviceList returns the default devices and those of the config, but for /dev/ptmx: that
// is always a link to the container's own devpts (devLinks).
func deviceList(config []specs.LinuxDevice) ([]device, error) {
	devices := slices.Clone(defaultDevices)
	for i, d := range config {
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

// makeDevice makes a device, or binds it. fresh says that no file exists at its path.
func makeDevice(l *list, d device, user nsMode, fresh bool) {
	dir, name := makeDeviceDir(l, d.path)
	if user != inherited && d.isBound() {
		l.container("make a file to mount it on", call.MakeFile(dir, name, 0o666).Allow(unix.EEXIST))
		l.container("open that file; follow no symbolic link",
			call.Openat2(dir, name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).As(target))
		l.container("attach the host's device", call.MoveMount(d.ref(), target))
		return
	}
	const made, there = plan.Ref("made"), plan.Ref("there")
	why := fmt.Sprintf("device %d:%d", d.major, d.minor)
	if d.kind == unix.S_IFIFO {
		why = "a FIFO"
	}
	node := call.Mknodat(dir, name, d.kind|d.mode, d.major, d.minor)
	if fresh {
		l.container(why, node)
	} else {
		l.container(why, node.As(made).Allow(unix.EEXIST))
		l.container("open the file that exists",
			call.Openat2(dir, name, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).WhenNot(made).As(there))
		checkDevice(l, plan.Container, there, d)
	}
	if d.uid != 0 || d.gid != 0 {
		l.container("set its owner", call.Fchownat(dir, name, d.uid, d.gid))
	}
}

// makeDeviceDir makes the directories above a device, and opens the last as dir.
func makeDeviceDir(l *list, file string) (dir plan.Ref, name string) {
	inDev, ok := strings.CutPrefix(file, "/dev/")
	if !ok {
		makeParents(l, file, []unix.Errno{unix.EEXIST, unix.EROFS})
		return openParent(l, file)
	}
	for i, c := range inDev {
		if above := "/dev/" + inDev[:i]; c == '/' && !slices.Contains(l.made, above) {
			dir, last := openParentInDev(l, inDev[:i])
			l.container("make a directory for devices", call.Mkdirat(dir, last, 0o755).Allow(unix.EEXIST))
			l.made = append(l.made, above)
		}
	}
	return openParentInDev(l, inDev)
}

// openParentInDev opens the directory below /dev in which the last name is to be made.
func openParentInDev(l *list, name string) (dir plan.Ref, last string) {
	above, last := path.Split(name)
	if above == "" {
		return dev, name
	}
	dir = "above"
	const noLink = unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH
	l.container("open the directory; follow no symbolic link",
		call.Openat2(dev, path.Clean(above), unix.O_PATH|unix.O_DIRECTORY, noLink).As(dir))
	return dir, last
}

// cloneDevices clones the host's nodes, for makeDevice to attach; nodes are their paths on the
// host where these differ.
func cloneDevices(l *list, config []specs.LinuxDevice, nodes map[string]string) error {
	l.begin("sources", "linux.devices")
	devices, err := deviceList(config)
	for _, d := range devices {
		if d.isBound() {
			l.host("clone the host's device: mknod is not permitted in a user namespace",
				call.OpenTree("", cmp.Or(nodes[d.path], d.path), false).As(d.ref()).Hint(unix.ENOENT, noNode))
			checkDevice(l, plan.Host, d.ref(), d)
		}
	}
	return err
}

// isBound reports whether a user namespace binds the host's node: any process may make a FIFO.
func (d *device) isBound() bool { return d.kind != unix.S_IFIFO }

func (d *device) ref() plan.Ref { return plan.Ref(strings.TrimPrefix(d.path, "/")) }

// checkDevice adds steps that fail unless an open file is this device and no other. A word of
// Expect has 64 bits: the upper half of the first is stx_mode, of the second the minor number.
func checkDevice(l *list, side plan.Side, fd plan.Ref, d device) {
	const modeOffset, rdevOffset = 0x18, 0x80 // in struct statx (statx(2))
	is := func(text string, e plan.Expect) plan.Step {
		s := call.Statx(fd, text)
		s.Expect = &e
		return s.Hint(unix.EPERM, "remove the file from the image: it has the path of a device")
	}
	l.add(side, "fail if it is not a device of this type", is("{stx_mode="+call.KindName(d.kind)+"|…}",
		plan.Expect{Arg: 4, Offset: modeOffset, Mask: unix.S_IFMT << 32, Value: uint64(d.kind) << 32}))
	l.add(side, "fail if it has other device numbers", is(fmt.Sprintf("{stx_rdev=makedev(%d, %d)}", d.major, d.minor),
		plan.Expect{Arg: 4, Offset: rdevOffset, Mask: call.AllBits, Value: uint64(d.major) | uint64(d.minor)<<32}))
}
