package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Host is a machine, and the place of one container on it.
type Host struct {
	ID       string // the container's
	FilesDir string // holds the files of HostFiles

	Arch         string              // in Go's spelling: amd64
	Hostname     string              // uname -n
	Dir          string              // the caller's working directory, where relative names start; "" if it was deleted
	Environ      []string            // the caller's: -e NAME takes its value from it
	OpenFiles    unix.Rlimit         // how many open files the caller may have
	Cgroup2      string              // where cgroup2 is mounted
	Controllers  []string            // that it has: cpu, memory, pids
	Reserved     *int64              // memory kept for other containers, if this one wants some, too
	CPUs, Nodes  string              // processors and memory nodes, "0-3"; "" if no flag names one
	Capabilities uint64              // of this machine's root, a bit each
	Thermal      []string            // the processors' thermal_throttle folders, to be masked
	Init         string              // a program for --init, "" if there is none
	Queues       bool                // there is a /dev/mqueue
	Mounts       []Mount             // the host's, for the propagation of bind mounts
	Devices      []specs.LinuxDevice // all of /dev, for --privileged
}

// ThisHost reads what a config for o depends on from the running system. The caller
// sets ID, Folder and OpenFiles.
func ThisHost(o *Options) (Host, error) {
	h := Host{Arch: goruntime.GOARCH, Environ: os.Environ(), Capabilities: boundingSet()}
	var err error
	if h.Hostname, err = os.Hostname(); err != nil {
		return Host{}, err
	}
	if h.Dir, err = os.Getwd(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Host{}, err
	}
	if h.Cgroup2, err = cgroup.Mount(); err != nil {
		return Host{}, err
	}
	h.Controllers = cgroup.Available(h.Cgroup2)
	if o.CpusetCPUs+o.CpusetMems != "" {
		if h.CPUs, h.Nodes, err = readSets(); err != nil {
			return Host{}, err
		}
	}
	if err := h.SetReserved(&o.Limits); err != nil {
		return Host{}, err
	}
	h.Queues = unix.Access("/dev/mqueue", unix.F_OK) == nil
	if len(o.Volumes)+len(o.Mounts) > 0 {
		if h.Mounts, err = readMounts(); err != nil {
			return Host{}, err
		}
	}
	if o.Init {
		h.Init = findInit()
	}
	if o.Privileged {
		h.Devices, err = readDevices("/dev")
		return h, err
	}
	h.Thermal, _ = filepath.Glob("/sys/devices/system/cpu/cpu*/thermal_throttle")
	return h, nil
}

func (h *Host) SetReserved(l *Limits) error {
	if l.MemoryReservation == "" {
		return nil
	}
	sum, err := cgroup.Reserved(filepath.Join(h.Cgroup2, CgroupParent))
	h.Reserved = &sum
	return err
}

// findInit looks for a program that starts another, hands on signals and reaps
// orphans: "INIT -- COMMAND…". Static ones first, as they run in any image.
func findInit() string {
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

// readDevices lists the device nodes below dir. Terminals and the console are
// left out: the container has its own.
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
		case errors.Is(err, fs.ErrNotExist): // unplugged since
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

// Path makes a name from the command line absolute.
func (h Host) Path(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	if h.Dir == "" {
		return "", hint.New(errors.New("a relative path, and the working directory is deleted"), "cd to another, or begin the path with /")
	}
	return filepath.Join(h.Dir, name), nil
}

// readFile reads a file named on the command line. Its error quotes the name.
func (h Host) readFile(name string) ([]byte, error) {
	path, err := h.Path(name)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	data, err := os.ReadFile(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%s %q: %w", failed.Op, name, failed.Err)
	}
	return data, err
}

func (h Host) getenv(name string) (string, bool) {
	return environment(h.Environ).get(name)
}

// CgroupParent is the cgroup that holds those of all containers.
const CgroupParent = "minictr"
