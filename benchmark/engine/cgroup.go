package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroupOf returns the directory of the cgroup, of v2 or v1, that counts the
// memory of a process; "" if it is that of the benchmark, or there is none.
func cgroupOf(pid int) string {
	own, _ := os.ReadFile("/proc/self/cgroup")
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3) // ID:CONTROLLERS:PATH, cgroups(7)
		if len(part) < 3 || strings.Contains(string(own), line) {
			continue
		}
		file := "/sys/fs/cgroup" + part[2] + "/memory.current"
		if part[1] == "memory" {
			file = "/sys/fs/cgroup/memory" + part[2] + "/memory.usage_in_bytes"
		}
		if unix.Access(file, unix.R_OK) == nil {
			return filepath.Dir(file)
		}
	}
	return ""
}

// removeCgroups removes those that runc and crun leave when they are killed while
// they make a container.
func removeCgroups() error {
	return filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // removed meanwhile
		case err != nil || !entry.IsDir() || !strings.HasPrefix(entry.Name(), idPrefix):
			return err
		}
		if err := unix.Rmdir(path); err != nil && err != unix.EBUSY && err != unix.ENOENT {
			return fmt.Errorf("rmdir %s: %w", path, err)
		}
		return fs.SkipDir
	})
}
