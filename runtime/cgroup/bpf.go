package cgroup

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// replaceDevices replaces the device program of a cgroup. The new one is attached
// before the old one is detached, and both have to allow meanwhile: at no moment is
// more allowed than by one of them. Programs of cgroups above and below stay.
func replaceDevices(path string, rules []specs.LinuxDeviceCgroup) error {
	code, n, err := DeviceProgram(rules)
	if err != nil {
		return fmt.Errorf("resources: devices: %w", err)
	}
	group, err := os.Open(path)
	if err != nil {
		return err
	}
	defer group.Close()
	old, err := attached(group)
	if err != nil {
		return err
	}
	if n > 0 {
		program, err := loadProgram(code, n)
		if err != nil {
			return err
		}
		defer unix.Close(program)
		attr := words32(nil, uint32(group.Fd()), uint32(program), unix.BPF_CGROUP_DEVICE, unix.BPF_F_ALLOW_MULTI)
		if _, err := bpf(unix.BPF_PROG_ATTACH, attr); err != nil {
			return fmt.Errorf("bpf(BPF_PROG_ATTACH) to %s: %w", path, err)
		}
	}
	for _, id := range old {
		if err := detach(group, id); err != nil {
			return err
		}
	}
	return nil
}

func loadProgram(code []byte, n int) (fd int, err error) {
	license, err := unix.BytePtrFromString("GPL")
	if err != nil {
		return 0, err
	}
	attr := words32(nil, unix.BPF_PROG_TYPE_CGROUP_DEVICE, uint32(n))
	attr = address(attr, unsafe.Pointer(&code[0]))
	attr = address(attr, unsafe.Pointer(license))
	fd, err = bpf(unix.BPF_PROG_LOAD, attr)
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	if err != nil {
		return 0, fmt.Errorf("bpf(BPF_PROG_LOAD): %w", err)
	}
	return fd, nil
}

// attached returns the ids of the device programs of this cgroup alone.
func attached(group *os.File) ([]uint32, error) {
	const most = 64           // BPF_CGROUP_MAX_PROGS
	const countOffset = 6 * 4 // of prog_cnt in union bpf_attr
	ids := make([]uint32, most)
	attr := words32(nil, uint32(group.Fd()), unix.BPF_CGROUP_DEVICE, 0, 0)
	attr = address(attr, unsafe.Pointer(&ids[0]))
	attr = words32(attr, most, 0)
	_, err := bpf(unix.BPF_PROG_QUERY, attr)
	runtime.KeepAlive(ids)
	if err != nil {
		return nil, fmt.Errorf("bpf(BPF_PROG_QUERY) of %s: %w", group.Name(), err)
	}
	return ids[:binary.NativeEndian.Uint32(attr[countOffset:])], nil
}

func detach(group *os.File, id uint32) error {
	program, err := bpf(unix.BPF_PROG_GET_FD_BY_ID, words32(nil, id))
	if err != nil {
		return fmt.Errorf("bpf(BPF_PROG_GET_FD_BY_ID) %d: %w", id, err)
	}
	defer unix.Close(program)
	attr := words32(nil, uint32(group.Fd()), uint32(program), unix.BPF_CGROUP_DEVICE, 0)
	if _, err := bpf(unix.BPF_PROG_DETACH, attr); err != nil {
		return fmt.Errorf("bpf(BPF_PROG_DETACH) from %s: %w", group.Name(), err)
	}
	return nil
}

// words32 and address append fields of union bpf_attr (bpf(2)).
func words32(attr []byte, words ...uint32) []byte {
	for _, w := range words {
		attr = binary.NativeEndian.AppendUint32(attr, w)
	}
	return attr
}

func address(attr []byte, p unsafe.Pointer) []byte {
	return binary.NativeEndian.AppendUint64(attr, uint64(uintptr(p)))
}

func bpf(command uintptr, attr []byte) (fd int, err error) {
	r, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
