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

// cgroupOf is the folder of the control group that counts the memory of a
// process, "" if it is one that others share.
func cgroupOf(pid int) string {
	mine, _ := os.ReadFile("/proc/self/cgroup")
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	for line := range strings.Lines(string(text)) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) < 3 || strings.Contains(string(mine), line) {
			continue
		}
		for _, folder := range [...]string{"/sys/fs/cgroup/memory" + part[2], "/sys/fs/cgroup" + part[2]} {
			if (part[1] == "memory") == strings.HasPrefix(folder, "/sys/fs/cgroup/memory/") && counts(folder) {
				return folder
			}
		}
	}
	return ""
}

// removeCgroups removes those without processes that runc or crun leave when they
// are killed while they make a container.
func removeCgroups() error {
	return filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // others remove theirs
		case err != nil || !entry.IsDir() || !strings.HasPrefix(entry.Name(), idPrefix):
			return err
		}
		if err := unix.Rmdir(path); err != nil && err != unix.EBUSY && err != unix.ENOENT {
			return fmt.Errorf("rmdir %s: %w", path, err)
		}
		return fs.SkipDir
	})
}

func counts(folder string) bool {
	return unix.Access(folder+"/memory.current", unix.R_OK) == nil ||
		unix.Access(folder+"/memory.usage_in_bytes", unix.R_OK) == nil
}
