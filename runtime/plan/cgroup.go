package plan

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A control group is a folder in the cgroup2 filesystem (cgroups(7)). To make
// one is mkdir; to limit it is to write a number into one of the files that
// appear in it; clone3 puts the child in before its first instruction, so no
// instruction of it goes uncounted.
//
// A limit exists only where its controller has been passed down by every
// folder above, in cgroup.subtree_control.

const (
	cgroupMount = Ref("cgroup2")
	cgroupFd    = Ref("cgroup")
	file        = Ref("file")
)

func (b *builder) cgroup() error {
	if b.options.Cgroup2 == "" {
		if b.linux.Resources != nil {
			return errors.New("linux.resources: there is no cgroup to set them in")
		}
		return nil
	}
	b.begin("cgroup", "linux.cgroupsPath")
	group := strings.TrimPrefix(path.Clean("/"+b.linux.CgroupsPath), "/")
	if group == "" || slices.Contains(strings.Split(b.linux.CgroupsPath, "/"), "..") {
		return fmt.Errorf("linux.cgroupsPath: %q: names no cgroup of its own", b.linux.CgroupsPath)
	}
	files, err := cgroup.Files(b.linux.Resources)
	if err != nil {
		return fmt.Errorf("linux.resources: %w", err)
	}
	b.host("where the host has mounted cgroup2", openat("", b.options.Cgroup2, unix.O_PATH|unix.O_DIRECTORY).as(cgroupMount))
	enable := cgroup.Controllers(files)
	b.passDown(".", enable)
	names := strings.Split(group, "/")
	for i := range names[:len(names)-1] {
		above := path.Join(names[:i+1]...)
		b.host("a folder is a cgroup", mkdirat(cgroupMount, above, 0o755).accept(unix.EEXIST))
		b.passDown(above, enable)
	}
	b.host("the container's own", mkdirat(cgroupMount, group, 0o755))
	b.plan.Cgroup, b.plan.made = path.Join(b.options.Cgroup2, group), len(b.steps)-1
	b.host("hold it", openat(cgroupMount, group, unix.O_PATH|unix.O_DIRECTORY).as(cgroupFd))
	for _, f := range files {
		b.from = "linux.resources." + f.From
		b.host("a limit is a file of the cgroup", openat(cgroupFd, f.Name, unix.O_WRONLY).as(file))
		b.host(f.Why, write(file, f.Value))
	}
	return b.devices()
}

// passDown lets the folders in dir use controllers.
func (b *builder) passDown(dir string, controllers []string) {
	if len(controllers) == 0 {
		return
	}
	from := b.from
	defer func() { b.from = from }()
	b.host("which controllers the cgroups below may use", openat(cgroupMount, path.Join(dir, "cgroup.subtree_control"), unix.O_WRONLY).as(file))
	for _, c := range controllers {
		b.from = "linux.resources." + c
		b.host("pass it down", write(file, "+"+c))
	}
}

// devices loads the program that the kernel asks at every open and mknod of a
// device by a process in this cgroup.
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
	const prog = Ref("devices")
	// union bpf_attr of BPF_PROG_LOAD and BPF_PROG_ATTACH, bpf(2)
	load := words(fmt.Sprintf("{prog_type=BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt=%d, …}", n),
		unix.BPF_PROG_TYPE_CGROUP_DEVICE|uint64(n)<<32, 0, 0).
		with(1*word, &Mem{Bytes: program, Text: "insns"}).
		with(2*word, Str("GPL"))
	attach := words(fmt.Sprintf("{attach_type=BPF_CGROUP_DEVICE, target_fd=%s, attach_bpf_fd=%s}", cgroupFd, prog), 0, 0).
		with32(0, cgroupFd).with32(4, prog).with32(8, Num{Value: unix.BPF_CGROUP_DEVICE})
	b.host("a program of rules: which devices may be used", call("bpf", unix.SYS_BPF,
		Num{unix.BPF_PROG_LOAD, "BPF_PROG_LOAD"}, load, num(len(load.Bytes))).as(prog))
	b.host("the kernel asks it at every open of a device in this cgroup", call("bpf", unix.SYS_BPF,
		Num{unix.BPF_PROG_ATTACH, "BPF_PROG_ATTACH"}, attach, num(len(attach.Bytes))))
	return nil
}
