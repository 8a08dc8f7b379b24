package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The other two ABIs of an amd64 kernel: the numbers of x32, and int 0x80, the gate of
// 32-bit programs.
func init() {
	const x32 = 0x40000000
	known["x32"] = func() error { return raw(x32 | unix.SYS_GETPID) }
	known["int80"] = func() error { return int80(20) }             // getpid
	known["int80_socketcall"] = func() error { return int80(102) } // socketcall
}

// int80 makes a 32-bit call without arguments: four instructions in a page that a Go
// function value points to.
func int80(number byte) error {
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	copy(page, []byte{
		0xb8, number, 0, 0, 0, // mov eax, number
		0x31, 0xdb, //            xor ebx, ebx
		0xcd, 0x80, //            int 0x80
		0xc3, //                  ret
	})
	code := unsafe.Pointer(&page[0])
	function := unsafe.Pointer(&code)
	call := *(*func() int32)(unsafe.Pointer(&function))
	if result := call(); result < 0 {
		return unix.Errno(-result)
	}
	return nil
}
