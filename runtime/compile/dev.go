package compile

import (
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// /dev: the few devices that every program expects (runtime-spec,
// config-linux.md, "Default Devices"), links to what /proc knows better, and
// the terminal. A config that binds a whole /dev from the host has it as it is;
// one that has no mount for it gets all this in the root's own folder.

const (
	dev  = plan.Ref("dev")
	null = plan.Ref("null") // what files are masked with
)

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
	if !slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool { return destination(m) == "/dev" }) {
		b.container("the root's own; there already is good too", call.Mkdirat("", "/dev", 0o755).Allow(unix.EEXIST, unix.EROFS))
	}
	b.container("the folder, by a descriptor that no link can bend", call.Openat2("", "/dev", unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS).As(dev))
	if b.boundDev() {
		b.holdNull()
		return nil
	}
	devices, err := b.deviceList()
	if err != nil {
		return err
	}
	fresh := b.freshDev()
	for _, d := range devices {
		b.device(d, fresh && b.onlyOurs(d.path))
	}
	for _, l := range devLinks {
		b.container("a name that programs expect", call.Symlinkat(l[1], dev, l[0]).Allow(unix.EEXIST))
	}
	b.holdNull()
	if b.spec.Process.Terminal {
		b.console()
	}
	return nil
}

// boundDev: the config brings a whole /dev from the host.
func (b *builder) boundDev() bool {
	for _, m := range b.spec.Mounts {
		if o, _ := mountOptions(m); destination(m) == "/dev" && o.bind && !o.remount {
			return true
		}
	}
	return false
}

// freshDev: the config brings a new, empty one.
func (b *builder) freshDev() bool {
	return slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool {
		o, _ := mountOptions(m)
		return destination(m) == "/dev" && m.Type == "tmpfs" && !o.bind && !o.remount && !o.copyUp
	})
}

// holdNull opens /dev/null once and makes sure that it is the one: a fake
// would be laid over everything that is to be hidden.
func (b *builder) holdNull() {
	b.container("files are hidden behind /dev/null: hold it", call.Openat2(dev, "null", unix.O_PATH, unix.RESOLVE_NO_SYMLINKS|unix.RESOLVE_BENEATH).As(null))
	b.isDevice(plan.Container, null, defaultDevices[0])
}

// nullStreams opens the container's own /dev/null. By a descriptor of the host's, root
// could change whose that is and who may use it (fchmod(2)). Nothing that a process
// of the container has put there instead is taken for it, or waited for.
func (b *builder) nullStreams() error {
	const nowhere = plan.Ref("nowhere")
	if b.options.Null == [3]bool{} || b.spec.Process.Terminal {
		return nil
	}
	b.begin("dev", "process")
	b.container("streams that lead nowhere: to the container's /dev/null, not the host's", call.Openat2("", "/dev/null", unix.O_RDWR|unix.O_NOCTTY, unix.RESOLVE_NO_SYMLINKS).As(nowhere))
	b.isDevice(plan.Container, nowhere, defaultDevices[0])
	for fd, name := range plan.Stdio {
		if b.options.Null[fd] {
			b.container("the "+string(name), call.Dup3(nowhere, plan.Int(fd)))
		}
	}
	return nil
}
