package machine

// The smallest machine has no disk. QEMU puts the kernel and an initramfs into the
// machine's memory and jumps to the kernel, so that firmware and boot loader have
// nothing to do. An initramfs is an archive of files, in cpio(1)'s format newc
// (Documentation/driver-api/early-userspace/buffer-format.rst), which the kernel
// unpacks into its first root file system. This one is not compressed, since the
// machine would be slow to unpack it.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing/fstest"

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
	var out bytes.Buffer
	if err := benchmark.Run(ctx, &out, filepath.Join(s.Source, "scripts/vm-debian"), runtime.GOARCH); err != nil {
		return err
	}
	debian := strings.TrimSpace(out.String())
	t.kernel, t.initrd = filepath.Join(debian, "vmlinuz"), filepath.Join(s.Scratch, "initramfs")
	if err := pack(debian, s.Workload, t.initrd); err != nil {
		return err
	}
	return t.prepare(ctx, s)
}

// pack writes a system of busybox, drivers of the network card and the workload.
// debian is the directory that scripts/vm-debian has made.
func pack(debian, workload, initrd string) error {
	// the files; each driver after those that it needs
	busybox := filepath.Join(debian, "root/bin/busybox")
	sources := map[string]string{"bin/busybox": busybox, "bin/workload": workload}
	var insmod string
	for _, d := range strings.Fields("virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci " +
		"failover net_failover virtio_net") {
		sources["drivers/"+d] = filepath.Join(debian, "drivers", d+".ko")
		insmod += "/bin/busybox insmod /drivers/" + d + "\n"
	}
	script := fmt.Appendf(nil, initScript, userSpace, insmod, services, workloadPort, shellPort)
	files := fstest.MapFS{
		"init":   {Mode: 0o755, Data: script},
		"bin/sh": {Mode: fs.ModeSymlink | 0o777, Data: []byte("busybox")},
		"dev":    {Mode: fs.ModeDir | 0o755},
		"proc":   {Mode: fs.ModeDir | 0o755},
	}
	for name, source := range sources {
		data, err := os.ReadFile(source)
		if err != nil {
			return err
		}
		files[name] = &fstest.MapFile{Mode: 0o755, Data: data}
	}

	// the archive
	root := initrd + ".root"
	if err := os.CopyFS(root, files); err != nil {
		return err
	}
	defer os.RemoveAll(root)
	cmd := exec.Command("sh", "-c", `cd "$1" && "$2" find . | "$2" cpio -o -H newc >"$3"`, "sh", root, busybox, initrd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cpio: %w\n%s", err, out)
	}
	return nil
}

// initScript is the first process. The address is the one that QEMU's own network
// has for a machine.
const initScript = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
echo "mark: %s" >/dev/console
/bin/busybox mount -t proc proc /proc
%s/bin/busybox ip addr add 10.0.2.15/24 dev eth0
/bin/busybox ip link set lo up
/bin/busybox ip link set eth0 up
echo "mark: %s" >/dev/console
/bin/workload serve tcp:%d &
exec /bin/busybox nc -ll -p %d -e /bin/sh
`

// Start starts a machine with the fewest parts. (QEMU has a mainboard with still
// fewer, microvm; Debian's kernel does not always find a clock on it.) 64 MiB of
// memory are too little for that kernel.
func (t *initramfs) Start(ctx context.Context) (*benchmark.Instance, error) {
	kernel := "console=" + perArch("ttyS0", "ttyAMA0") + " quiet loglevel=0 panic=-1"
	m := model{board: perArch("pc", "virt"), memory: 96, accel: t.accel, cache: 16, shell: shellPort, phase: "kernel",
		args: []string{"-kernel", t.kernel, "-initrd", t.initrd, "-append", kernel}}
	q, err := m.boot(ctx, benchmark.StartClock())
	if err != nil {
		return nil, err
	}
	q.Run = func(ctx context.Context, stdout io.Writer, argv ...string) error {
		return runByShell(ctx, local(q.shell), stdout, argv)
	}
	return &q.Instance, nil
}
