package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	goruntime "runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/minictr/minictr/runtime/proc"
	"golang.org/x/sys/unix"
)

// isRoot reports whether the caller may mount: containers are made with this capability.
func isRoot() bool { return slices.Contains(capabilities(), "CAP_SYS_ADMIN") }

func capabilities() []string {
	v, err := proc.Look(os.Getpid())
	if err != nil {
		return nil
	}
	return v.Caps.Effective
}

func checkRoot(string) []Finding {
	f := Finding{Name: "root", Status: OK, Found: fmt.Sprintf("user %d, with CAP_SYS_ADMIN", os.Geteuid())}
	if !isRoot() {
		f.Status, f.Found = Error, fmt.Sprintf("user %d, without CAP_SYS_ADMIN", os.Geteuid())
		f.Without, f.Hint = "only root makes containers", "sudo minictr doctor"
	}
	return []Finding{f}
}

// kernels are the versions of Linux from which on something works.
var kernels = []struct {
	major, minor int
	status       Status // of an older one
	without      string
}{
	{5, 14, Error, "minictr needs Linux 5.14"},
	{6, 7, Warning, "images of more than 27 layers need Linux 6.7"},
	{6, 15, Warning, "--userns needs Linux 6.15"},
}

func checkKernel(string) []Finding {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return []Finding{{Name: "kernel", Status: Error, Found: "uname: " + err.Error()}}
	}
	return []Finding{kernelFinding(unix.ByteSliceToString(name.Release[:]), goruntime.GOARCH)}
}

// kernelFinding compares a release of Linux, "6.18.0-rc1", with what minictr needs.
func kernelFinding(release, arch string) Finding {
	f := Finding{Name: "kernel", Status: OK, Found: "Linux " + release + ", " + arch}
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		f.Status, f.Without = Warning, "its version is unknown"
		return f
	}
	var missing []string
	for _, k := range kernels {
		if major > k.major || major == k.major && minor >= k.minor {
			continue
		}
		if f.Status != Error {
			f.Status = k.status
		}
		missing = append(missing, k.without)
	}
	if f.Without = strings.Join(missing, "; "); f.Without != "" {
		f.Hint = "install a newer kernel, from the distribution's backports for example"
	}
	return f
}

// checkSeccomp asks which actions the kernel has (seccomp(2), SECCOMP_GET_ACTION_AVAIL).
func checkSeccomp(string) []Finding {
	action := uint32(unix.SECCOMP_RET_ERRNO)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
	if errno != 0 {
		return []Finding{{Name: "seccomp", Status: Error, Found: "seccomp(2): " + errno.Error(),
			Without: "a container is started with a filter of system calls unless --security-opt seccomp=unconfined",
			Hint:    "use a kernel with CONFIG_SECCOMP_FILTER"}}
	}
	actions, _ := os.ReadFile("/proc/sys/kernel/seccomp/actions_avail")
	return []Finding{{Name: "seccomp", Status: OK, Found: strings.TrimSpace(string(actions))}}
}

// checkKVM says whether virtual machines, which minictr is compared with, can be fast.
func checkKVM(string) []Finding {
	f := Finding{Name: "KVM", Status: OK, Found: "/dev/kvm"}
	file, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err == nil {
		file.Close()
		return []Finding{f}
	}
	f.Status, f.Found = Warning, err.Error()
	f.Without = "the benchmark's virtual machines are emulated, many times slower; containers do not need it"
	if errors.Is(err, fs.ErrNotExist) {
		f.Hint = "enable virtualization in the firmware, then: modprobe kvm_intel or kvm_amd"
	}
	return []Finding{f}
}
