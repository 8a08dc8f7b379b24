package machine

// A machine as most are: it has a disk, and finds everything there. The firmware
// reads the boot loader from the first sectors, the boot loader a kernel from a
// file system, the kernel starts systemd, and the workload is one of its services.
//
// The disk is the box that scripts/box has made. Machines do not write to it: each
// has an image (qcow2) of its own, which holds the blocks that differ, and for the
// others the name of the box.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
)

// disk is the target "QEMU disk".
type disk struct{ base }

func (t *disk) Disk() (int64, error) { return benchmark.Usage(t.box("box.img"), t.setup.Scratch) }

func (t *disk) Available() error {
	if runtime.GOARCH != "amd64" {
		return errors.New("scripts/box makes no box for this processor")
	}
	return benchmark.Installed(emulator(), "qemu-img")
}

func (t *disk) Prepare(ctx context.Context, s benchmark.Setup) error {
	err := t.prepare(ctx, s)
	t.facts.Version += ", box " + box
	return errors.Join(err, sameWorkload(ctx, t.box("workload"), s.Workload))
}

// box returns a file of the box: the image, the workload.
func (b *base) box(file string) string { return filepath.Join(b.setup.Source, "bin/box", file) }

// sameWorkload returns an error unless there is a box with the workload of the other
// targets.
func sameWorkload(ctx context.Context, inBox, workload string) error {
	if _, err := benchmark.Run(ctx, "cmp", inBox, workload); err != nil {
		return fmt.Errorf("there is no box with this workload, scripts/box makes it: %w", err)
	}
	return nil
}

// firmware is the phase until user space begins: firmware, boot loader, kernel.
const firmware = "firmware, kernel"

// machineMemory in MiB is the Vagrantfile's default.
const machineMemory = "1024"

func (t *disk) Start(ctx context.Context) (*benchmark.Instance, error) {
	t.count++
	image := filepath.Join(t.setup.Scratch, fmt.Sprintf("%d.qcow2", t.count))
	clock := benchmark.StartClock()
	_, err := benchmark.Run(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2",
		"-b", t.box("box.img"), image)
	if err != nil {
		return nil, err
	}
	clock.Mark("disk", time.Now())
	drive := "if=virtio,format=qcow2,cache=unsafe,file=" + strings.ReplaceAll(image, ",", ",,")
	i, err := t.boot(ctx, clock, firmware, 64, "-M", "pc", "-m", machineMemory,
		"-drive", drive, "-device", "virtio-rng-pci")
	if err != nil {
		return nil, errors.Join(err, os.Remove(image))
	}
	stop := i.Stop
	i.Stop = func() error { return errors.Join(stop(), os.Remove(image)) }
	return i, nil
}
