package compile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A control group is a folder in the cgroup2 filesystem (cgroups(7)). To make
// one is mkdir; to limit it is to write a number into one of the files that
// appear in it; clone3 puts the child in before its first instruction, so no
// instruction of it goes uncounted.
//
// A cgroup that is there already and has a process in it is somebody's, and an
// error; an empty one is what a crash left behind.
//
// A limit exists only where its controller has been passed down by every
// folder above, in cgroup.subtree_control.

const (
	cgroupMount = plan.Ref("cgroup2")
	cgroupFd    = plan.Ref("cgroup")
	file        = plan.Ref("file")
)

func (b *builder) cgroup() error {
	files, err := cgroup.Files(b.resources())
	if err != nil {
		return fmt.Errorf("linux.resources: %w", err)
	}
	files = cgroup.WithoutDefaults(files)
	if b.options.Cgroup2 == "" {
		if len(files) > 0 || b.linux.Resources != nil && len(b.linux.Resources.Devices) > 0 {
			return errors.New("linux.resources: there is no cgroup to set them in")
		}
		return nil
	}
	b.begin("cgroup", "linux.cgroupsPath")
	group, err := groupPath(b.linux.CgroupsPath)
	if err != nil {
		return fmt.Errorf("linux.cgroupsPath: %q: %w", b.linux.CgroupsPath, err)
	}
	b.host("where the host has mounted cgroup2", call.Openat("", b.options.Cgroup2, unix.O_PATH|unix.O_DIRECTORY).As(cgroupMount))
	enable := cgroup.Controllers(files)
	b.passDown(".", enable)
	names := strings.Split(group, "/")
	for i := range names[:len(names)-1] {
		above := path.Join(names[:i+1]...)
		b.host("a folder is a cgroup", call.Mkdirat(cgroupMount, above, 0o755).Allow(unix.EEXIST))
		b.passDown(above, enable)
	}
	b.host("what a crash left empty goes, and its limits with it",
		call.Rmdirat(cgroupMount, group).Allow(unix.ENOENT, unix.EBUSY, unix.ENOTEMPTY))
	b.host("the container's own", call.Mkdirat(cgroupMount, group, 0o755))
	b.plan.Cgroup, b.plan.MadeAt = path.Join(b.options.Cgroup2, group), len(b.steps)-1
	b.host("hold it", call.Openat(cgroupMount, group, unix.O_PATH|unix.O_DIRECTORY).As(cgroupFd))
	for _, f := range files {
		b.limit(f)
	}
	b.reserve(path.Dir(group))
	if err := b.delegate(); err != nil {
		return err
	}
	return b.devices()
}

// delegate makes the cgroup the user's who finds it mounted writable, as the root
// of what it sees: to put processes and cgroups in it, not to change its limits
// (config-linux.md, "Cgroup ownership").
func (b *builder) delegate() error {
	own := slices.Contains(b.linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	writable := slices.ContainsFunc(b.spec.Mounts, func(m specs.Mount) bool {
		return m.Source == "cgroup" && path.Clean(m.Destination) == "/sys/fs/cgroup" && !slices.Contains(m.Options, "ro")
	})
	if !own || !writable {
		return nil
	}
	b.from = "process.user.uid"
	owner, err := HostID(b.spec.Process.User.UID, b.linux.UIDMappings)
	if err != nil {
		return fmt.Errorf("process.user.uid: %w", err)
	}
	if owner == 0 {
		return nil
	}
	b.host("it may make cgroups below", call.Fchownat(cgroupFd, ".", owner, call.SameGroup))
	for _, name := range [...]string{"cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "memory.oom.group", "memory.reclaim"} {
		b.host("and write this file (/sys/kernel/cgroup/delegate)", call.Fchownat(cgroupFd, name, owner, call.SameGroup).Allow(unix.ENOENT))
	}
	return nil
}

// resources are linux.resources. Before version 1.3 of the specification a limit of
// 0 processes could not be told from none, and engines write it for none.
func (b *builder) resources() *specs.LinuxResources {
	r := b.linux.Resources
	if r == nil || r.Pids == nil || r.Pids.Limit == nil || *r.Pids.Limit != 0 || !olderThan(b.spec.Version, 3) {
		return r
	}
	unlimited := *r
	unlimited.Pids = nil
	return &unlimited
}

// olderThan tells whether version "1.N.…" has an N below minor.
func olderThan(version string, minor int) bool {
	n, _, _ := strings.Cut(strings.TrimPrefix(version, "1."), ".")
	number, err := strconv.Atoi(n)
	return err == nil && number < minor
}

// groupPath is a config's cgroupsPath below the mount. A relative one, too,
// begins at the root of the hierarchy, as with runc and crun.
func groupPath(cgroupsPath string) (string, error) {
	if !strings.HasPrefix(cgroupsPath, "/") && strings.Count(cgroupsPath, ":") == 2 {
		return "", hint.New(errors.New("SLICE:PREFIX:NAME is for systemd to make"),
			"let the engine name cgroups as folders: docker's native.cgroupdriver=cgroupfs, podman's --cgroup-manager cgroupfs, containerd's SystemdCgroup = false")
	}
	group := strings.TrimPrefix(path.Clean("/"+cgroupsPath), "/")
	if group == "" || slices.Contains(strings.Split(cgroupsPath, "/"), "..") {
		return "", errors.New("names no cgroup of its own")
	}
	return group, nil
}

// limit writes one file of the cgroup.
func (b *builder) limit(f cgroup.File) {
	b.from = "linux.resources." + f.From
	open := call.Openat(cgroupFd, f.Name, unix.O_WRONLY)
	if f.Optional {
		open = open.Allow(unix.ENOENT)
	}
	if f.Instead {
		open = open.WhenNot(file)
	}
	b.host("a limit is a file of the cgroup", open.As(file))
	b.host(f.Why, call.Write(file, f.Value))
}

// reserve: memory.low keeps no more for a cgroup than is kept for the one above.
func (b *builder) reserve(above string) {
	r := b.resources()
	if b.options.Reserved == nil || r == nil || r.Memory == nil || r.Memory.Reservation == nil || above == "." {
		return
	}
	b.from = "linux.resources.memory.reservation"
	b.host("a limit is a file of the cgroup", call.Openat(cgroupMount, path.Join(above, "memory.low"), unix.O_WRONLY).As(file))
	b.host("no more is kept for a cgroup than for the one above, which so needs the sum",
		call.Write(file, strconv.FormatInt(*b.options.Reserved+*r.Memory.Reservation, 10)))
}

// passDown lets the folders in dir use controllers. Those that only count are not
// to be had where processes are in dir, as in a container that looks like a
// machine (cgroup-v2, "No Internal Process Constraint"); for limits that is an
// error.
func (b *builder) passDown(dir string, controllers []string) {
	count := slices.DeleteFunc(slices.Clone(b.options.Count), func(c string) bool { return slices.Contains(controllers, c) })
	if len(controllers)+len(count) == 0 {
		return
	}
	from := b.from
	defer func() { b.from = from }()
	b.host("which controllers the cgroups below may use", call.Openat(cgroupMount, path.Join(dir, "cgroup.subtree_control"), unix.O_WRONLY).As(file))
	for _, c := range controllers {
		b.from = "linux.resources." + c
		b.host("pass it down", call.Write(file, "+"+c))
	}
	b.from = from
	for _, c := range count {
		b.host("pass it down, to count what is used", call.Write(file, "+"+c).Allow(unix.EBUSY, unix.EOPNOTSUPP, unix.ENOENT))
	}
}

// devices loads the program that the kernel asks at every open and mknod of a
// device by a process in this cgroup or below it. Cgroups below may have programs
// of their own (BPF_F_ALLOW_MULTI): what one of them refuses is refused.
func (b *builder) devices() error {
	b.from = "linux.resources.devices"
	var rules []specs.LinuxDeviceCgroup
	if b.linux.Resources != nil {
		rules = b.linux.Resources.Devices
	}
	program, n, err := cgroup.DeviceProgram(rules)
	if err != nil {
		return fmt.Errorf("linux.resources.devices: %w", err)
	}
	if n == 0 {
		return nil
	}
	const prog = plan.Ref("devices")
	// union bpf_attr of BPF_PROG_LOAD and BPF_PROG_ATTACH, bpf(2)
	load := plan.Words(fmt.Sprintf("{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=%d, …}", n),
		unix.BPF_PROG_TYPE_CGROUP_DEVICE|uint64(n)<<32, 0, 0).
		With(1*call.Word, &plan.Mem{Bytes: program, Text: "insns"}).
		With(2*call.Word, plan.Str("GPL"))
	attach := plan.Words(fmt.Sprintf("{attach_type=BPF_CGROUP_DEVICE, target_fd=%s, attach_bpf_fd=%s, attach_flags=BPF_F_ALLOW_MULTI}", cgroupFd, prog), 0, 0).
		With32(0, cgroupFd).With32(4, prog).With32(8, plan.Num{Value: unix.BPF_CGROUP_DEVICE}).With32(12, plan.Num{Value: unix.BPF_F_ALLOW_MULTI})
	b.host("a program of rules: which devices may be used", plan.Syscall("bpf", unix.SYS_BPF,
		plan.Named(unix.BPF_PROG_LOAD, "BPF_PROG_LOAD"), load, plan.Int(len(load.Bytes))).As(prog))
	b.host("the kernel asks it at every open of a device in this cgroup", plan.Syscall("bpf", unix.SYS_BPF,
		plan.Named(unix.BPF_PROG_ATTACH, "BPF_PROG_ATTACH"), attach, plan.Int(len(attach.Bytes))))
	return nil
}
