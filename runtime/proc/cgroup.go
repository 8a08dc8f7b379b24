package proc

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// Cgroup is the control group of a process, version 2 (cgroups(7)).
type Cgroup struct {
	// Path is its path as seen from the caller's cgroup namespace; "" if the process is in
	// none, or no filesystem of version 2 is mounted.
	Path string `json:"path"`
	// Values holds the content of its limits and counters, by the names of the files.
	Values map[string]string `json:"values"`
}

// cgroupFiles are the files that a view holds, each one line. A root cgroup has few of
// them, and the file of a controller exists only where the controller is enabled.
var cgroupFiles = []string{
	"cgroup.controllers", "cgroup.freeze",
	"cpu.max", "cpu.weight", "cpuset.cpus", "cpuset.mems",
	"memory.current", "memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max", "memory.oom.group",
	"pids.current", "pids.max", "io.weight", "io.max",
}

// readCgroup reads the line of version 2 in /proc/PID/cgroup, "0::/minictr/web", and the
// files of that cgroup.
func (v *View) readCgroup(dir *os.Root) error {
	v.Cgroup.Values = map[string]string{}
	text, err := dir.ReadFile("cgroup")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			v.Cgroup.Path = strings.TrimSuffix(path, " (deleted)")
		}
	}
	mount, err := cgroup.Mount()
	if err != nil || v.Cgroup.Path == "" {
		return nil
	}
	return v.Cgroup.readValues(filepath.Join(mount, v.Cgroup.Path))
}

// LookCgroup returns the cgroup at dir, a path of the caller. No process need be in it. The
// error is ErrNotExist if there is none.
func LookCgroup(dir string) (*Cgroup, error) {
	c := &Cgroup{Values: map[string]string{}}
	mount, err := cgroup.Mount()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); dir == "" || err != nil {
		return nil, gone(cmp.Or(err, fs.ErrNotExist))
	}
	c.Path = "/" + strings.TrimPrefix(strings.TrimPrefix(dir, mount), "/")
	return c, c.readValues(dir)
}

func (c *Cgroup) readValues(dir string) error {
	for _, name := range cgroupFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EOPNOTSUPP) {
			continue
		}
		if err != nil {
			return err
		}
		c.Values[name] = strings.Join(strings.Fields(string(text)), " ")
	}
	return nil
}

// names returns the names of Values in the order of cgroupFiles.
func (c *Cgroup) names() []string {
	return slices.DeleteFunc(slices.Clone(cgroupFiles), func(name string) bool { _, ok := c.Values[name]; return !ok })
}
