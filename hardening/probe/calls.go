package main

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// known are calls that a container does not need, each in the form of a known attack.
var known = map[string]func() error{
	"af_alg":       func() error { return socket(unix.AF_ALG) },
	"af_vsock":     func() error { return socket(unix.AF_VSOCK) },
	"af_vsock_hi":  func() error { return socket(1<<32 | unix.AF_VSOCK) },
	"af_alg_hi":    func() error { return socket(0xffffffff<<32 | unix.AF_ALG) },
	"af_inet":      func() error { return raw(unix.SYS_SOCKET, unix.AF_INET, unix.SOCK_STREAM, 0) },
	"io_uring":     func() error { return raw(unix.SYS_IO_URING_SETUP, 1, address(make([]byte, 120))) },
	"keyctl":       func() error { return raw(unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uintptr(2), 0) },
	"add_key":      func() error { return raw(unix.SYS_ADD_KEY, 0, 0, 0, 0, 0) },
	"userfaultfd":  func() error { return raw(unix.SYS_USERFAULTFD, 1) },
	"unknown":      func() error { return raw(unknown) },
	"bpf":          func() error { return raw(unix.SYS_BPF, 0, 0, 0) },
	"unshare_user": func() error { return raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) },
	"clone3":       func() error { return raw(unix.SYS_CLONE3, 0, 0) },
	"fsopen":       func() error { return raw(unix.SYS_FSOPEN, address([]byte("tmpfs\x00")), 0) },
	"getpid":       func() error { return raw(unix.SYS_GETPID) },
}

const unknown = 2000 // no kernel has that many calls

// calls makes each named call in this process. A signal ends it, and the lines show how
// far it came.
func calls(names []string) {
	runtime.LockOSThread()
	for _, n := range names {
		answer(n, known[n]())
	}
}

func raw(number uintptr, args ...uintptr) error {
	var w [6]uintptr
	copy(w[:], args)
	_, _, errno := unix.Syscall6(number, w[0], w[1], w[2], w[3], w[4], w[5])
	if errno != 0 {
		return errno
	}
	return nil
}

func socket(family uintptr) error { return raw(unix.SYS_SOCKET, family, unix.SOCK_SEQPACKET, 0) }

func address(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

func ioctl(fd int, request uintptr, data string) error {
	return raw(unix.SYS_IOCTL, uintptr(fd), request, address([]byte(data)))
}
