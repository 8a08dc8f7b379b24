package machine

// The smallest machine has no disk. QEMU puts the kernel and an initramfs into the
// machine's memory and jumps to the kernel, so that firmware and boot loader have
// nothing to do. scripts/bench-initramfs packs it.

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// initramfs is the target "QEMU initramfs".
type initramfs struct {
	base
	kernel, initrd string
}

func (t *initramfs) Available() error     { return benchmark.Installed(emulator()) }
func (t *initramfs) Disk() (int64, error) { return benchmark.Usage(t.kernel, t.initrd) }

func (t *initramfs) Prepare(ctx context.Context, s benchmark.Setup) error {
	t.initrd = filepath.Join(s.Scratch, "initramfs")
	kernel, err := benchmark.Run(ctx, filepath.Join(s.Source, "scripts/bench-initramfs"), s.Workload, t.initrd)
	if err != nil {
		return err
	}
	t.kernel = strings.TrimSpace(kernel)
	return t.prepare(ctx, s)
}

// Start starts a machine with the fewest parts. (QEMU has a mainboard with still
// fewer, microvm; Debian's kernel does not always find a clock on it.) 64 MiB of
// memory are too little for that kernel.
func (t *initramfs) Start(ctx context.Context) (*benchmark.Instance, error) {
	kernel := "console=" + perArch("ttyS0", "ttyAMA0") + " quiet loglevel=0 panic=-1"
	return t.boot(ctx, benchmark.StartClock(), "kernel", 16, "-M", perArch("pc", "virt"), "-m", "96",
		"-kernel", t.kernel, "-initrd", t.initrd, "-append", kernel)
}
