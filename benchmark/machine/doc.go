// Package machine has the targets with a kernel of their own, from the smallest
// machine to what a person uses every day:
//
//	QEMU initramfs    a kernel, and a file system of two programs in memory
//	QEMU disk         the disk of the box: firmware, boot loader, systemd
//	vagrant up         the same disk, by Vagrant and libvirt
//
// The workload answers in each on a port, and the machine reports on its serial
// console how far it has booted: a line "mark: NAME" ends a phase. The clock that
// is read is the host's, when the line arrives.
//
// Reading order: machine.go, console.go, qemu.go, then the targets: initramfs.go,
// disk.go, vagrant.go.
package machine
