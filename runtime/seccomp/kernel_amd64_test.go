package seccomp

import (
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The other two ways into an amd64 kernel: int 0x80, for 32-bit programs and open to
// 64-bit ones, too; and syscall with the x32 bit in the number.

func init() {
	probes["int 0x80 socketcall"] = func() error { return int80("socketcall") }
	probes["int 0x80 getpid"] = func() error { return int80("getpid") }
	probes["int 0x80 keyctl"] = func() error { return int80("keyctl") }
	probes["x32"] = func() error { return raw(unix.SYS_GETPID | x32Bit) }
}

// int80 makes a 32-bit call without arguments, with four instructions in a page
// that a Go function value points to.
func int80(name string) error {
	nr, _ := Number("386", name)
	page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	copy(page, []byte{
		0xb8, byte(nr), byte(nr >> 8), 0, 0, // mov eax, nr
		0x31, 0xdb, //        xor ebx, ebx
		0xcd, 0x80, //        int 0x80
		0xc3, //              ret
	})
	code := unsafe.Pointer(&page[0])
	function := unsafe.Pointer(&code)
	call := *(*func() int32)(unsafe.Pointer(&function))
	if result := call(); result < 0 {
		return syscall.Errno(-result)
	}
	return nil
}

func TestInt80Filtered(t *testing.T) {
	free, status := try(t, "none", "int 0x80 getpid")
	if free != "ok" {
		t.Skipf("this kernel has no 32-bit calls: %q, status %#x", free, status)
	}
	for _, call := range []string{"socketcall", "getpid"} {
		got, status := try(t, "default", "int 0x80 "+call)
		if !status.Signaled() || status.Signal() != syscall.SIGSYS {
			t.Errorf("%s by int 0x80: %q, status %#x; want death by SIGSYS", call, got, status)
		}
	}
	// A section that lists the 32-bit ABI has its calls filtered by their own numbers.
	for call, want := range map[string]string{"getpid": "ok", "keyctl": "EPERM"} {
		if got, status := try(t, "docker", "int 0x80 "+call); got != want || status != 0 {
			t.Errorf("%s by int 0x80 under Docker's profile: %q, status %#x; want %s", call, got, status, want)
		}
	}
}

// Most kernels lack x32 and return the same; TestDefaultProfileActions shows that the
// filter does.
func TestX32Filtered(t *testing.T) {
	if got, status := try(t, "default", "x32"); got != "ENOSYS" || status != 0 {
		t.Errorf("getpid of x32: %q, status %#x; want ENOSYS", got, status)
	}
}
