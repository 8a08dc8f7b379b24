package machine

// A machine as most are: it has a disk, and finds everything there. The firmware
// reads the boot loader from the first sectors, the boot loader a kernel from a
// file system, the kernel starts systemd, and the workload is one of its services.
//
// The disk is the box that scripts/box has made. No machine writes to it: each has
// an image (qcow2) of its own, which holds the blocks that differ, and for the
// others the name of the box.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/minictr/minictr/benchmark"
)

// disk is the target "QEMU disk".
type disk struct {
	box, dir string
	accel    string
	images   int
}

func (d *disk) Name() string         { return "QEMU disk" }
func (d *disk) Kind() benchmark.Kind { return benchmark.Machine }
func (d *disk) Version() string      { return version() + ", box " + box }
func (d *disk) Emulated() bool       { return d.accel != "kvm" }
func (d *disk) Processes() []int     { return nil }
func (d *disk) Disk() (int64, error) { return benchmark.Usage(d.image(), d.dir) }
func (d *disk) Close() error         { return nil }

func (d *disk) Available() error {
	if runtime.GOARCH != "amd64" {
		return errors.New("scripts/box makes no box for this processor")
	}
	return errors.Join(installed(emulator(), "qemu-img", "ssh"))
}

// image of the box, and the key for it.
func (d *disk) image() string { return filepath.Join(d.box, "box.img") }
func (d *disk) key() string   { return filepath.Join(d.box, "key") }

func (d *disk) Prepare(ctx context.Context, s benchmark.Setup) (err error) {
	if s, err = absolute(s); err != nil {
		return err
	}
	d.box, d.dir = filepath.Join(s.Source, "bin/box"), s.Scratch
	if err := sameWorkload(d.box, s.Workload); err != nil {
		return err
	}
	d.accel, err = accel(ctx, s)
	return err
}

// sameWorkload: what the box has is what is measured elsewhere.
func sameWorkload(box, workload string) error {
	has, err := os.ReadFile(filepath.Join(box, "workload"))
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("there is no box: scripts/box makes it")
	}
	if err != nil {
		return err
	}
	wanted, err := os.ReadFile(workload)
	if err == nil && !bytes.Equal(has, wanted) {
		err = errors.New("the box has another workload: scripts/box makes it anew")
	}
	return err
}

// firmware is the phase until user space begins: firmware, boot loader, kernel.
const firmware = "firmware, kernel"

// machineMemory is what the Vagrantfile gives by default, in MiB.
const machineMemory = 1024

func (d *disk) Start(ctx context.Context) (benchmark.Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	d.images++
	image := filepath.Join(d.dir, fmt.Sprintf("%d.qcow2", d.images))
	clock := benchmark.StartClock()
	if err := do(exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", d.image(), image), nil); err != nil {
		return nil, err
	}
	clock.Mark("disk")
	q, err := startQEMU(ctx, model{board: "pc", memory: machineMemory, accel: d.accel, cache: 64},
		map[int]int{workloadPort: ports[0], sshPort: ports[1]},
		"-drive", "if=virtio,format=qcow2,cache=unsafe,file="+strings.ReplaceAll(image, ",", ",,"), "-device", "virtio-rng-pci")
	if err != nil {
		return nil, errors.Join(err, os.Remove(image))
	}
	i := &whole{plain: plain{qemu: q}, key: d.key(), port: ports[1], image: image}
	if err := i.boot(ctx, clock, firmware, local(ports[0])); err != nil {
		return nil, end(err, i.Stop)
	}
	return i, nil
}

// whole is a machine with a disk and sshd.
type whole struct {
	plain
	key   string
	port  int
	image string
}

func (w *whole) Run(ctx context.Context, stdout io.Writer, argv ...string) error {
	return do(sshTo(ctx, w.key, "127.0.0.1", w.port, argv), stdout)
}

func (w *whole) Stop() error {
	return errors.Join(w.qemu.stop(), os.Remove(w.image))
}
