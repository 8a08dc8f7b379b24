package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Host is a machine, and the place of one container on it.
type Host struct {
	ID       string // the container's
	FilesDir string // holds the files of HostFiles

	Arch            string              // in Go's spelling: amd64
	Hostname        string              // uname -n
	Dir             string              // the caller's working directory, where relative names start; "" if it was deleted
	Environ         []string            // the caller's: -e NAME takes its value from it
	OpenFiles       unix.Rlimit         // how many open files the caller may have
	Cgroup2         string              // where cgroup2 is mounted
	Controllers     []string            // that it has: cpu, memory, pids
	Reserved        *int64              // memory kept for other containers, if this one wants some, too
	CPUs, Nodes     string              // processors and memory nodes, "0-3"; "" if no flag names one
	Capabilities    uint64              // of this machine's root, a bit each
	ThermalThrottle []string            // the processors' thermal_throttle folders, to be masked
	Init            string              // a program for --init, "" if there is none
	Mqueue          bool                // there is a /dev/mqueue
	Mounts          []Mount             // the host's, for the propagation of bind mounts
	Devices         []specs.LinuxDevice // all of /dev, for --privileged
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

// Mount is a mount of the host that is of interest here.
type Mount struct {
	Path          string
	Shared, Slave bool
}
