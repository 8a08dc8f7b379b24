// Core 17 of 28: /dev
//
// /dev holds the devices that every program expects (runtime-spec, config-linux.md,
// "Default Devices"), symbolic links to files of procfs, and the terminal. They are made in
// a tmpfs that the config mounts there, or else in the image's directory. A bind mount of
// the host's /dev is left as it is.

package compile

import (
	"path"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

var devLinks = [][2]string{
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
}

// setUpDev makes the files of /dev.
func (b *builder) setUpDev() error {
	// the directory
	b.begin("dev", "linux.devices")
	mountedOn := func(dest string) bool {
		return slices.ContainsFunc(b.shape.mounts, func(m mount) bool { return m.dest == dest })
	}
	if !mountedOn("/dev") {
		b.container("make the directory; it may exist", call.Mkdirat("", "/dev", 0o755).Allow(unix.EEXIST, unix.EROFS))
	}
	b.container("open /dev; follow no symbolic link",
		call.Openat2("", "/dev", unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS).As(dev))
	if b.shape.dev == boundDev {
		openNull(&b.list)
		return nil
	}

	// devices; in a new tmpfs no other file can exist at the path, but for a mount
	devices, err := deviceList(b.spec.Linux.Devices)
	if err != nil {
		return err
	}
	for _, d := range devices {
		fresh := b.shape.dev == newDev && path.Dir(d.path) == "/dev" && !mountedOn(d.path)
		makeDevice(&b.list, d, b.shape.ns[userNS], fresh)
	}

	// links, /dev/null for other parts, and /dev/console
	for _, link := range devLinks {
		b.container("a link that programs expect", call.Symlinkat(link[1], dev, link[0]).Allow(unix.EEXIST))
	}
	openNull(&b.list)
	if b.spec.Process.Terminal {
		console(&b.list)
	}
	return nil
}

// openNull opens /dev/null and checks that it is that device: another file of this name
// would be mounted over each file to mask.
func openNull(l *list) {
	l.container("open /dev/null: files are masked with it",
		call.Openat2(dev, "null", unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).As(null))
	checkDevice(l, plan.Container, null, defaultDevices[0])
}

// nullStreams connects streams to the container's own /dev/null: by a descriptor of the
// host's, root in the container could change owner and mode of the host's file (fchmod(2)).
func (b *builder) nullStreams() error {
	if b.shape.options.Null == [3]bool{} || b.spec.Process.Terminal {
		return nil
	}
	b.begin("dev", "process")
	if !b.shape.options.OwnNull {
		b.container("open the container's /dev/null for streams that are not connected",
			call.Openat2("", "/dev/null", unix.O_RDWR|unix.O_NOCTTY, unix.RESOLVE_NO_SYMLINKS).As(nowhere))
		checkDevice(&b.list, plan.Container, nowhere, defaultDevices[0])
	}
	for fd, name := range plan.Stdio {
		if b.shape.options.Null[fd] {
			b.container("the "+string(name), call.Dup3(nowhere, plan.Int(fd)))
		}
	}
	return nil
}
