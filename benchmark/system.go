package benchmark

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// System is the computer that was measured.
type System struct {
	Kernel     string `json:"kernel"`
	Arch       string `json:"arch"`
	OS         string `json:"os"`
	CPU        string `json:"cpu"`
	CPUs       int    `json:"cpus"`
	Memory     int64  `json:"memoryBytes"`
	Cgroup     string `json:"cgroup"`     // v2, or v1 with v2 beside it
	Hypervisor bool   `json:"hypervisor"` // it is a virtual machine itself
	KVM        string `json:"kvm"`        // "usable", or why it is not
}

// Inspect returns the facts of this computer. What /proc does not say is empty.
func Inspect() (s System, err error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return s, os.NewSyscallError("uname", err)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return s, os.NewSyscallError("sched_getaffinity", err)
	}
	s.Kernel, s.Arch = unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])
	s.CPUs, s.Cgroup, s.KVM = set.Count(), cgroupMode(), kvm()
	s.OS, _ = field("/etc/os-release", "PRETTY_NAME", "=")
	s.CPU, _ = field("/proc/cpuinfo", "model name", ":")
	flags, _ := field("/proc/cpuinfo", "flags", ":")
	s.Hypervisor = slices.Contains(strings.Fields(flags), "hypervisor")
	s.Memory, err = memoryField("/proc/meminfo", "MemTotal")
	return s, err
}

// Cgroup2Alone reports whether /sys/fs/cgroup is cgroup v2, with all controllers.
func Cgroup2Alone() bool {
	var st unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}

func cgroupMode() string {
	switch {
	case Cgroup2Alone():
		return "v2 alone"
	case unix.Access("/sys/fs/cgroup/unified", unix.F_OK) == nil:
		return "hybrid: v1 has the controllers, v2 lies beside it"
	}
	return "v1"
}

// kvm makes an empty machine: the device may exist although the CPU cannot.
func kvm() string {
	const (
		getAPIVersion = 0xAE00 // KVM_GET_API_VERSION of linux/kvm.h: _IO(0xAE, 0)
		createVM      = 0xAE01 // KVM_CREATE_VM
	)
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no /dev/kvm"
	} else if err != nil {
		return err.Error()
	}
	defer f.Close()
	if _, err := unix.IoctlRetInt(int(f.Fd()), getAPIVersion); err != nil {
		return "/dev/kvm: KVM_GET_API_VERSION: " + err.Error()
	}
	vm, err := unix.IoctlRetInt(int(f.Fd()), createVM)
	if err != nil {
		return "/dev/kvm: KVM_CREATE_VM: " + err.Error()
	}
	unix.Close(vm)
	return "usable"
}
