package config

// A Host holds plain values, so that a config can be made for any machine, and compared
// as text.

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Host is what a config depends on: facts of the machine, and the names of one container.
type Host struct {
	ID       string // of the container
	FilesDir string // the directory that holds the files of HostFiles

	VolumeDir   string               // the directory of the volumes (package volume)
	VolumesFrom map[string]Container // the containers that --volumes-from names

	Arch            string              // in Go's spelling: amd64
	Hostname        string              // uname -n
	Dir             string              // the caller's working directory; "" if it was deleted
	Environ         []string            // of the caller: the value of -e NAME
	OpenFiles       unix.Rlimit         // the caller's RLIMIT_NOFILE
	Cgroup2         string              // mount point of cgroup2
	Controllers     []string            // of Cgroup2: cpu, memory, pids
	Scope           string              // the scope of systemd that holds all containers; "" without systemd
	Reserved        *int64              // bytes that other containers reserve; nil without --memory-reservation
	CPUs, Nodes     string              // processors and memory nodes, "0-3"; "" if no flag names one
	Capabilities    uint64              // bounding set of the caller, a bit each
	ThermalThrottle []string            // the thermal_throttle directories in /sys, to be masked
	Init            string              // program for --init; "" if there is none
	Mqueue          bool                // /dev/mqueue exists
	SELinux         bool                // SELinux runs (selinux(8))
	AppArmor        bool                // AppArmor runs (apparmor(7))
	Mounts          []Mount             // of the host, for the propagation of bind mounts
	Devices         []specs.LinuxDevice // all of /dev, for --privileged
}

// ScopeOf returns the unit of systemd that holds the cgroups of all containers, "" if the
// tree of cgroups at mount is not systemd's.
func ScopeOf(mount string) string {
	if cgroup.SystemdOwns(mount) {
		return "minictr.scope"
	}
	return ""
}

// CgroupParent returns the path, below the mount of cgroup2, of the cgroup that holds the
// cgroups of all containers.
func (h Host) CgroupParent() string { return cmp.Or(h.Scope, "minictr") }

// Path makes a name from the command line absolute.
func (h Host) Path(name string) (string, error) {
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	if h.Dir == "" {
		return "", hint.New(errors.New("relative path, but the working directory was deleted"),
			"cd to another directory, or begin the path with /")
	}
	return filepath.Join(h.Dir, name), nil
}

// readFile reads a file named on the command line. Its error quotes the name as typed.
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

// Container is what another container mounts.
type Container struct {
	Mounts  []specs.Mount // volumes, and what it binds of the host
	Volumes []Volume      // those of Mounts
}

// Mount is a mount of the host: its mount point, and whether it is shared or slave
// (mount_namespaces(7)).
type Mount struct {
	Path          string
	Shared, Slave bool
}
