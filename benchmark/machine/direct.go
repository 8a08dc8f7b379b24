package machine

// The smallest machine has no disk. QEMU puts the kernel and its first file system
// into the machine's memory and jumps to the kernel, so that firmware and boot
// loader have nothing to do. What is left is a kernel that starts one script.

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// direct is the target "QEMU initramfs".
type direct struct {
	kernel, initrd string
	accel          string
}

func (d *direct) Name() string         { return "QEMU initramfs" }
func (d *direct) Kind() benchmark.Kind { return benchmark.Machine }
func (d *direct) Available() error     { return installed(emulator()) }
func (d *direct) Version() string      { return version() }
func (d *direct) Emulated() bool       { return d.accel != "kvm" }
func (d *direct) Processes() []int     { return nil }
func (d *direct) Disk() (int64, error) { return benchmark.Usage(d.kernel, d.initrd) }
func (d *direct) Close() error         { return nil }

func (d *direct) Prepare(ctx context.Context, s benchmark.Setup) (err error) {
	if s, err = absolute(s); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.Source, "scripts/vm-debian"), runtime.GOARCH)
	cmd.Stderr = s.Log
	out, err := cmd.Output()
	if err != nil {
		return failure(cmd, err)
	}
	debian := strings.TrimSpace(string(out))
	data, err := initramfs(debian, s.Workload)
	if err != nil {
		return err
	}
	d.kernel, d.initrd = filepath.Join(debian, "vmlinuz"), filepath.Join(s.Scratch, "initramfs")
	if d.accel, err = accel(ctx, s); err != nil {
		return err
	}
	return os.WriteFile(d.initrd, data, 0o644)
}

// smallest is the machine with the fewest parts. (QEMU has a mainboard with
// still fewer, microvm; Debian's kernel does not always find a clock on it.) 64
// MiB are too little for that kernel.
func (d *direct) smallest() model {
	board := map[string]string{"amd64": "pc", "arm64": "virt"}[runtime.GOARCH]
	return model{board: board, memory: 96, accel: d.accel, cache: 16}
}

func (d *direct) Start(ctx context.Context) (benchmark.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	serial := map[string]string{"amd64": "ttyS0", "arm64": "ttyAMA0"}[runtime.GOARCH]
	clock := benchmark.StartClock()
	q, err := startQEMU(ctx, d.smallest(), map[int]int{workloadPort: ports[0], shellPort: ports[1]},
		"-kernel", d.kernel, "-initrd", d.initrd, "-append", "console="+serial+" quiet loglevel=0 panic=-1")
	if err != nil {
		return nil, err
	}
	i := &small{plain: plain{qemu: q}, shell: local(ports[1])}
	if err := i.boot(ctx, clock, "kernel", local(ports[0])); err != nil {
		return nil, end(err, i.Stop)
	}
	return i, nil
}

// plain is a machine that is QEMU and nothing else.
type plain struct {
	qemu   *qemu
	phases []benchmark.Phase
	answer benchmark.Answer
}

func (p *plain) Phases() []benchmark.Phase { return p.phases }
func (p *plain) Answer() benchmark.Answer  { return p.answer }
func (p *plain) Processes() []int          { return p.qemu.processes() }
func (p *plain) Cgroup() string            { return "" }
func (p *plain) Stop() error               { return p.qemu.stop() }

// boot follows the machine until the workload has answered. first is the phase
// that ends where user space begins.
func (p *plain) boot(ctx context.Context, clock *benchmark.Clock, first, address string) error {
	clock.MarkAt("QEMU", p.qemu.up)
	for _, m := range [...][2]string{{first, userSpace}, {"user space", services}} {
		at, err := p.qemu.console.wait(ctx, m[1])
		if err != nil {
			return err
		}
		clock.MarkAt(m[0], at)
	}
	answer, at, err := benchmark.AskUntil(ctx, "tcp", address)
	if err != nil {
		return err
	}
	clock.MarkAt("first byte", at)
	p.phases, p.answer = clock.Phases(), answer
	return nil
}

// small is a machine with a shell at a port.
type small struct {
	plain
	shell string
}

func (s *small) Run(ctx context.Context, stdout io.Writer, argv ...string) error {
	return runByShell(ctx, s.shell, stdout, argv)
}
