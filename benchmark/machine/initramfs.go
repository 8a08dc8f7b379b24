package machine

// An initramfs is an archive of files that a kernel finds in memory when it
// begins, and unpacks into its first root file system. A machine can do with it
// alone. On others it holds just what it takes to reach the disk.
//
// The format is that of cpio(1) called newc (Documentation/driver-api/
// early-userspace/buffer-format.rst): for each file a header of 13 numbers, its
// name, its data, each filled up to a multiple of four bytes. The last file is
// named TRAILER!!!. Nothing is compressed here, since the machine would be slow to
// unpack it.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// archive is an initramfs in the making.
type archive struct {
	bytes.Buffer
	count int
}

// Kinds of file, as in inode(7).
const (
	folder  = 0o040755
	program = 0o100755
	link    = 0o120777
)

func (a *archive) add(mode int, name string, data []byte) {
	a.count++
	a.WriteString("070701")
	for _, field := range [...]int{a.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0} {
		fmt.Fprintf(a, "%08x", field)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(data)
	a.pad()
}

func (a *archive) pad() {
	for a.Len()%4 != 0 {
		a.WriteByte(0)
	}
}

// drivers of the network card, each after those that it needs.
func drivers() []string {
	return []string{"virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci",
		"failover", "net_failover", "virtio_net"}
}

// initramfs is a whole system: busybox, the drivers and the workload. debian is
// the folder that scripts/vm-debian has made.
func initramfs(debian, workload string) ([]byte, error) {
	a := new(archive)
	for _, name := range [...]string{"bin", "dev", "proc", "drivers"} {
		a.add(folder, name, nil)
	}
	a.add(link, "bin/sh", []byte("busybox"))
	files := [][2]string{{"bin/busybox", filepath.Join(debian, "root/bin/busybox")}, {"bin/workload", workload}}
	var load strings.Builder
	for _, d := range drivers() {
		files = append(files, [2]string{"drivers/" + d, filepath.Join(debian, "drivers", d+".ko")})
		fmt.Fprintf(&load, "/bin/busybox insmod /drivers/%s\n", d)
	}
	for _, f := range files {
		data, err := os.ReadFile(f[1])
		if err != nil {
			return nil, err
		}
		a.add(program, f[0], data)
	}
	a.add(program, "init", fmt.Appendf(nil, first, userSpace, load.String(), services, workloadPort, shellPort))
	a.add(0, "TRAILER!!!", nil)
	return a.Bytes(), nil
}

// first is the first process. The address is the one that QEMU's own network
// has for a machine.
const first = `#!/bin/busybox sh
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
