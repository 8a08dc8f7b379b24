package benchmark

import (
	"errors"
	"io/fs"
	"os"
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

// Inspect looks at this computer.
func Inspect() (s System, err error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return s, os.NewSyscallError("uname", err)
	}
	s.Kernel, s.Arch = unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])
	s.OS = setting("/etc/os-release", "PRETTY_NAME", "=")
	s.CPU = setting("/proc/cpuinfo", "model name", ":")
	s.Hypervisor = strings.Contains(" "+setting("/proc/cpuinfo", "flags", ":")+" ", " hypervisor ")
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return s, os.NewSyscallError("sched_getaffinity", err)
	}
	s.CPUs = set.Count()
	s.Cgroup, s.KVM = cgroupMode(), kvm()
	s.Memory, err = field("/proc/meminfo", "MemTotal:")
	return s, err
}

// setting is the value of the first line of a file that begins with key; "" if
// there is none.
func setting(file, key, separator string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(name) == key {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

func cgroupMode() string {
	var st unix.Statfs_t
	switch err := unix.Statfs("/sys/fs/cgroup", &st); {
	case err == nil && st.Type == unix.CGROUP2_SUPER_MAGIC:
		return "v2 alone"
	case unix.Access("/sys/fs/cgroup/unified", unix.F_OK) == nil:
		return "hybrid: v1 has the controllers, v2 lies beside it"
	}
	return "v1"
}

// kvmGetAPIVersion is KVM_GET_API_VERSION, _IO(0xAE, 0) of linux/kvm.h, and
// kvmCreateVM is KVM_CREATE_VM, _IO(0xAE, 1).
const (
	kvmGetAPIVersion = 0xAE00
	kvmCreateVM      = 0xAE01
)

// kvm tries it: the device may be there, and its CPU not able.
func kvm() string {
	f, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no /dev/kvm"
	} else if err != nil {
		return err.Error()
	}
	defer f.Close()
	if _, err := unix.IoctlRetInt(int(f.Fd()), kvmGetAPIVersion); err != nil {
		return "/dev/kvm: KVM_GET_API_VERSION: " + err.Error()
	}
	vm, err := unix.IoctlRetInt(int(f.Fd()), kvmCreateVM)
	if err != nil {
		return "/dev/kvm: KVM_CREATE_VM: " + err.Error()
	}
	unix.Close(vm)
	return "usable"
}
