package cgroup

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// devicePrograms returns the IDs of the device programs that are attached to this cgroup
// (bpf(2), BPF_PROG_QUERY), and not those of the cgroups above.
func devicePrograms(path string) ([]uint32, error) {
	group, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer group.Close()
	ids := new([64]uint32) // BPF_CGROUP_MAX_PROGS
	attr := &struct {      // the fields "query" of union bpf_attr
		target, attachType, queryFlags, attachFlags uint32
		ids                                         *[64]uint32
		count                                       uint32
	}{target: uint32(group.Fd()), attachType: unix.BPF_CGROUP_DEVICE, ids: ids, count: uint32(len(ids))}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_QUERY, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
	runtime.KeepAlive(attr)
	if errno != 0 {
		return nil, fmt.Errorf("bpf(BPF_PROG_QUERY) of %s: %w", path, errno)
	}
	return ids[:attr.count], nil
}
