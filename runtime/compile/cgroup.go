// Core 9 of 28: the control group
//
// A control group, cgroup for short, is a set of processes whose use of resources the
// kernel counts and limits together (cgroups(7)). It is a directory in the cgroup2
// filesystem: mkdir(2) makes one, and the kernel fills it with files. Writing a number to
// memory.max limits the memory of all processes in it. clone3(2) starts a child in a
// cgroup, so that the limits hold from its first instruction.
//
// Rules:
//
//   - A controller (memory, cpu, io, pids, …) works in a cgroup only if every
//     directory above passes it down, in its file cgroup.subtree_control.
//   - A cgroup of this name without processes was left by a crash: it is removed first.
//     One with processes belongs to a running container: rmdir(2) fails, then mkdir(2).
//   - Package cgroup knows which file holds which limit: cgroup.Files returns them.

package compile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	cgroupMount = plan.Ref("cgroup2") // the root of the cgroup2 filesystem
	file        = plan.Ref("file")    // the file to write to next
)

// cgroup makes the container's cgroup, and writes its limits.
func (b *builder) cgroup() error {
	// the files to write, from the limits of the config
	resources := resourcesOf(b.spec)
	files, err := Limits(b.spec)
	if err != nil {
		return err
	}
	files = cgroup.WithoutDefaults(files)
	mount := b.shape.options.Cgroup2
	if mount == "" {
		if len(files) > 0 || resources != nil && len(resources.Devices) > 0 {
			return errors.New("linux.resources: requires a cgroup")
		}
		return nil
	}

	// the directories above, but for systemd's (oci_systemd.go): make them, and enable the controllers in each
	b.begin("cgroup", "linux.cgroupsPath")
	group, err := groupPath(b.spec.Linux.CgroupsPath)
	if err != nil {
		return fmt.Errorf("linux.cgroupsPath: %q: %w", b.spec.Linux.CgroupsPath, err)
	}
	b.host("the cgroup2 filesystem, as the host has mounted it",
		call.Openat("", mount, unix.O_PATH|unix.O_DIRECTORY).As(cgroupMount))
	enable, count, delegated := cgroup.Controllers(files), b.shape.options.Count, b.shape.options.Delegated
	names := strings.Split(group, "/")
	for i := range names {
		above, need, more := path.Join(names[:i]...), enable, count
		if isSystemds(above, delegated) {
			need, more = unknownToSystemd(enable), nil
		} else if i > 0 && above != delegated {
			b.host("make the parent cgroup; it may exist", call.Mkdirat(cgroupMount, above, 0o755).Allow(unix.EEXIST))
		}
		enableControllers(&b.list, above, need, more)
	}

	// the container's own, unless it exists (oci_cgroup.go)
	open := call.Openat(cgroupMount, group, unix.O_PATH|unix.O_DIRECTORY).As(cgroupFd)
	b.plan.Cgroup, b.plan.MadeAt = path.Join(mount, group), len(b.plan.Steps)+1
	if group == delegated {
		files = openScope(&b.list, open, files)
	} else if b.shape.options.Existing {
		openExisting(&b.list, open)
	} else {
		b.host("remove an empty cgroup of this name, which a crash left, with its limits",
			call.Rmdirat(cgroupMount, group).Allow(unix.ENOENT, unix.EBUSY, unix.ENOTEMPTY))
		b.host("the container's cgroup", call.Mkdirat(cgroupMount, group, 0o755).
			Hint(unix.EEXIST, "stop the container of this ID, or remove the cgroup that it left"))
		b.host("keep it open: clone3 needs a descriptor", open)
	}

	// its limits; memory reserved for it (reserve), write access (delegate), devices
	for _, f := range files {
		limit(&b.list, f)
	}
	if reserved := b.shape.options.Reserved; reserved != nil {
		reserve(&b.list, path.Dir(group), *reserved, resources)
	}
	if err := delegate(&b.list, b.spec); err != nil {
		return err
	}
	return limitDevices(&b.list, resources)
}

// groupPath returns the path of a config's cgroup below the mount. A relative
// cgroupsPath, too, begins at the root of the hierarchy, as with runc and crun.
func groupPath(cgroupsPath string) (string, error) {
	if err := checkNotUnit(cgroupsPath); err != nil {
		return "", err
	}
	group := strings.TrimPrefix(path.Clean("/"+cgroupsPath), "/")
	if group == "" || slices.Contains(strings.Split(cgroupsPath, "/"), "..") {
		return "", errors.New("not the path of a cgroup")
	}
	return group, nil
}

// enableControllers lets the cgroups in dir use controllers. need are those of a limit of
// the config; count are those that only count what is used. The kernel enables none in a
// directory that has processes, other than the root of the hierarchy (kernel,
// cgroup-v2.rst, "No Internal Process Constraint"): for need that is an error.
func enableControllers(l *list, dir string, need, count []string) {
	count = slices.DeleteFunc(slices.Clone(count), func(c string) bool { return slices.Contains(need, c) })
	if len(need)+len(count) == 0 {
		return
	}
	from := l.from
	l.host("the list of controllers that are enabled for child cgroups",
		call.Openat(cgroupMount, path.Join(dir, "cgroup.subtree_control"), unix.O_WRONLY).As(file))
	for _, c := range need {
		l.from = "linux.resources." + c
		l.host("enable this controller for child cgroups", call.Write(file, "+"+c).
			Hint(unix.EBUSY, noInternal).Hint(unix.EOPNOTSUPP, noInternal).Hint(0, cgroup.NoController(c)))
	}
	l.from = from
	for _, c := range count {
		l.host("enable this controller for child cgroups, to count what is used",
			call.Write(file, "+"+c).Allow(unix.EBUSY, unix.EOPNOTSUPP, unix.ENOENT))
	}
}

const noInternal = "move the processes of the topmost cgroup to a child cgroup first"

// limit writes one file of the cgroup. Of a pair of files for one limit, of which a kernel
// has one, the first is Optional, and the second is written Instead.
func limit(l *list, f cgroup.File) {
	l.from = "linux.resources." + f.From
	open := call.Openat(cgroupFd, f.Name, unix.O_WRONLY).Hint(unix.ENOENT, "leave it out: the kernel has no such limit")
	if f.Optional {
		open = open.Allow(unix.ENOENT)
	}
	if f.Instead {
		open = open.WhenNot(file)
	}
	l.host("open the file that holds the limit", open.As(file))
	l.host(f.Why, call.Write(file, f.Value).Hint(unix.ENODEV, "name a whole disk, as listed by: lsblk -d"))
}

// limitDevices attaches a BPF program (bpf(2)) to the cgroup. The kernel runs it whenever
// a process of the cgroup opens or makes a device; what it returns is whether it may.
// A cgroup below may have a program of its own (BPF_F_ALLOW_MULTI): both have to allow.
func limitDevices(l *list, r *specs.LinuxResources) error {
	l.from = "linux.resources.devices"
	var rules []specs.LinuxDeviceCgroup
	if r != nil {
		rules = r.Devices
	}
	program, n, err := cgroup.DeviceProgram(rules)
	if err != nil {
		return fmt.Errorf("linux.resources.devices: %w", err)
	}
	if n == 0 {
		return nil
	}
	const prog = plan.Ref("devices")
	l.host("load a BPF program that decides which devices may be used", call.BpfLoadDeviceProgram(program, n).As(prog))
	l.host("the kernel runs it whenever a process of the cgroup opens a device",
		call.BpfAttachDeviceProgram(cgroupFd, prog))
	return nil
}
