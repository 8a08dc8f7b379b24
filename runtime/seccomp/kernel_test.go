package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// These tests ask the kernel. Each probe runs in a process of its own, this test
// binary again: it installs a filter or none, makes one call and prints the outcome.
// Without the filter the outcome must be another, or the probe would prove nothing.

const childEnv = "SECCOMP_TEST_PROBE" // FILTER/PROBE

func TestMain(m *testing.M) {
	probe, ok := os.LookupEnv(childEnv)
	if !ok {
		os.Exit(m.Run())
	}
	filter, name, _ := strings.Cut(probe, "/")
	if err := install(filter); err != nil {
		fmt.Println("install:", err)
		os.Exit(1)
	}
	fmt.Print(outcome(probes[name]()))
	os.Exit(0)
}

// install installs a filter for all threads of this process: "default", "docker" (its
// profile in a file, with 32-bit companions) or "none".
func install(filter string) error {
	var s *specs.LinuxSeccomp
	switch filter {
	case "none":
		return nil
	case "default":
		s = Default(runtime.GOARCH, nil)
	case "docker":
		profile, err := json.Marshal(moby.DefaultProfile())
		if err != nil {
			return err
		}
		if s, err = Parse(profile, runtime.GOARCH, nil); err != nil {
			return err
		}
	}
	f, err := Compile(s, runtime.GOARCH)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	prog := unix.SockFprog{Len: uint16(len(f.Program)), Filter: &f.Program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		uintptr(f.Flags|unix.SECCOMP_FILTER_FLAG_TSYNC), uintptr(unsafe.Pointer(&prog)))
	return outcomeError(errno)
}

func outcomeError(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

func outcome(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// raw makes a call and returns its errno.
func raw(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return outcomeError(errno)
}

const high = 1 << 32 // a bit that socket(2) ignores

func socket(family, kind uintptr) func() error {
	return func() error { return raw(unix.SYS_SOCKET, family, kind) }
}

var probes = map[string]func() error{
	"AF_ALG":                        socket(unix.AF_ALG, unix.SOCK_SEQPACKET),
	"AF_ALG, high bits":             socket(unix.AF_ALG|high, unix.SOCK_SEQPACKET),
	"AF_VSOCK":                      socket(unix.AF_VSOCK, unix.SOCK_STREAM),
	"AF_VSOCK, high bits":           socket(unix.AF_VSOCK|high, unix.SOCK_STREAM),
	"keyctl":                        func() error { return raw(unix.SYS_KEYCTL, 1000) },
	"add_key":                       func() error { return raw(unix.SYS_ADD_KEY) },
	"io_uring_setup":                func() error { return raw(unix.SYS_IO_URING_SETUP) },
	"userfaultfd":                   func() error { return raw(unix.SYS_USERFAULTFD, 0x7fffffff) },
	"unshare a user":                func() error { return raw(unix.SYS_UNSHARE, unix.CLONE_NEWUSER) },
	"mount":                         func() error { return raw(unix.SYS_MOUNT) },
	"clone3":                        func() error { return raw(unix.SYS_CLONE3) },
	"a newer call":                  func() error { return raw(unix.SYS_OPEN_TREE_ATTR) },
	"AF_UNIX":                       socket(unix.AF_UNIX, unix.SOCK_STREAM),
	"AF_INET6, high bits":           socket(unix.AF_INET6|high, unix.SOCK_STREAM),
	"a program, threads, a network": work,
}

// work uses a network, threads, a file and a program.
func work() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	accepted := make(chan error)
	go func() {
		_, err := listener.Accept()
		accepted <- err
	}()
	if _, err := net.Dial("tcp", listener.Addr().String()); err != nil {
		return err
	}
	if err := <-accepted; err != nil {
		return err
	}
	file, err := os.CreateTemp("", "seccomp")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	return exec.Command("/bin/sh", "-c", "ls / | wc -l").Run()
}

// try runs a probe under a filter in a process of its own.
func try(t *testing.T, filter, probe string) (string, syscall.WaitStatus) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), childEnv+"="+filter+"/"+probe)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// TestKernelEnforcesProfile: a probe is skipped if it shows nothing: a refused call
// without the filter has the same error, or an allowed one fails.
func TestKernelEnforcesProfile(t *testing.T) {
	for probe, want := range map[string]string{
		"AF_ALG": "EPERM", "AF_ALG, high bits": "EPERM", "AF_VSOCK": "EPERM", "AF_VSOCK, high bits": "EPERM",
		"keyctl": "EPERM", "add_key": "EPERM", "io_uring_setup": "EPERM", "userfaultfd": "EPERM",
		"unshare a user": "EPERM", "mount": "EPERM", "clone3": "ENOSYS", "a newer call": "ENOSYS",
		"AF_UNIX": "ok", "AF_INET6, high bits": "ok", "a program, threads, a network": "ok",
	} {
		t.Run(probe, func(t *testing.T) {
			free, _ := try(t, "none", probe)
			if (free == want) != (want == "ok") {
				t.Skipf("without a filter this kernel returns %s", free)
			}
			if got, status := try(t, "default", probe); got != want || status != 0 {
				t.Errorf("%q, status %#x; want %s (without a filter %s)", got, status, want, free)
			}
		})
	}
}
