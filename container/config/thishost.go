package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"

	"github.com/minictr/minictr/internal/lsm"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/moby/sys/mountinfo"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// ThisHost reads what a config for o depends on from the running system. The caller
// sets ID, FilesDir and OpenFiles.
func ThisHost(o *Options) (Host, error) {
	h := Host{Arch: goruntime.GOARCH, Environ: os.Environ(), Capabilities: boundingSet()}
	var err error
	// what every config needs
	if h.Hostname, err = os.Hostname(); err != nil {
		return Host{}, err
	}
	if h.Dir, err = os.Getwd(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Host{}, err
	}
	if err := h.SetCgroups(); err != nil {
		return Host{}, err
	}
	// what only some flags need
	if o.CpusetCPUs+o.CpusetMems != "" {
		if h.CPUs, h.Nodes, err = readCPUsAndNodes(); err != nil {
			return Host{}, err
		}
	}
	if err := h.SetReserved(&o.Limits); err != nil {
		return Host{}, err
	}
	h.Mqueue = unix.Access("/dev/mqueue", unix.F_OK) == nil
	if len(o.SecurityOpt)+len(o.Volumes)+len(o.Mounts) > 0 {
		h.SELinux, h.AppArmor = lsm.SELinux(), lsm.AppArmor()
	}
	if len(o.Volumes)+len(o.Mounts) > 0 {
		if h.Mounts, err = readMounts(); err != nil {
			return Host{}, err
		}
	}
	if o.Init {
		h.Init = findInitProgram()
	}
	if o.Privileged {
		h.Devices, err = readDevices("/dev")
		return h, err
	}
	h.ThermalThrottle, _ = filepath.Glob("/sys/devices/system/cpu/cpu*/thermal_throttle")
	return h, nil
}

// SetCgroups sets what is known of the cgroups of this machine.
func (h *Host) SetCgroups() (err error) {
	if h.Cgroup2, err = cgroup.Mount(); err != nil {
		return err
	}
	h.Controllers, h.Scope = cgroup.Available(h.Cgroup2), ScopeOf(h.Cgroup2)
	return nil
}

// SetReserved sums up the memory that other containers reserve, if l reserves some.
func (h *Host) SetReserved(l *Limits) error {
	if l.MemoryReservation == "" {
		return nil
	}
	sum, err := cgroup.Reserved(filepath.Join(h.Cgroup2, h.CgroupParent()), h.ID)
	h.Reserved = &sum
	return err
}

// findInitProgram returns the path of a program that starts another (INIT -- COMMAND…),
// forwards signals to it and reaps orphans; "" if there is none. Static ones come first:
// they run in any image.
func findInitProgram() string {
	for _, name := range [...]string{
		"/usr/bin/tini-static", "/usr/libexec/podman/catatonit", "/usr/bin/catatonit",
		"/usr/bin/docker-init", "/usr/libexec/docker/docker-init", "/usr/sbin/docker-init",
		"/usr/bin/tini",
	} {
		if unix.Access(name, unix.X_OK) == nil {
			return name
		}
	}
	return ""
}

// readDevices returns the device nodes below dir, without terminals and the console: the
// container has its own.
func readDevices(dir string) ([]specs.LinuxDevice, error) {
	var devices []specs.LinuxDevice
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch rel, _ := filepath.Rel(dir, name); rel {
		case "pts", "shm", "mqueue":
			return fs.SkipDir
		case "console", "ptmx", "tty":
			return nil
		}
		if d.Type()&fs.ModeDevice == 0 {
			return nil
		}
		device, err := readDevice(name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // unplugged meanwhile
			return nil
		case err != nil:
			return err
		}
		devices = append(devices, device)
		return nil
	})
	return devices, err
}

func readDevice(name string) (specs.LinuxDevice, error) {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return specs.LinuxDevice{}, fmt.Errorf("lstat %q: %w", name, err)
	}
	kind := "b"
	if st.Mode&unix.S_IFMT == unix.S_IFCHR {
		kind = "c"
	}
	mode := os.FileMode(st.Mode & 0o777)
	return specs.LinuxDevice{
		Path: name, Type: kind, FileMode: &mode, UID: &st.Uid, GID: &st.Gid,
		Major: int64(unix.Major(uint64(st.Rdev))), Minor: int64(unix.Minor(uint64(st.Rdev))),
	}, nil
}

// readMounts returns the mounts of this mount namespace (proc_pid_mountinfo(5)).
func readMounts() (mounts []Mount, err error) {
	list, err := mountinfo.GetMounts(nil)
	for _, m := range list {
		mounts = append(mounts, Mount{
			Path:   m.Mountpoint,
			Shared: strings.Contains(m.Optional, "shared:"),
			Slave:  strings.Contains(m.Optional, "master:"),
		})
	}
	return mounts, err
}

// boundingSet returns the capability bounding set of this process, a bit for each
// capability (capabilities(7)).
func boundingSet() (set uint64) {
	for n := range allCapabilities {
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n), 0, 0, 0); err == nil && has == 1 {
			set |= 1 << n
		}
	}
	return set
}

// readCPUsAndNodes returns the processors and memory nodes of this machine in the list
// format of cpuset(7). A kernel without NUMA has one node, and no file for it.
func readCPUsAndNodes() (cpus, nodes string, err error) {
	data, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return "", "", err
	}
	cpus = strings.TrimSpace(string(data))
	data, err = os.ReadFile("/sys/devices/system/node/has_memory")
	if errors.Is(err, fs.ErrNotExist) {
		return cpus, "0", nil
	}
	return cpus, strings.TrimSpace(string(data)), err
}
