package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Systemd reports whether systemd is the first process of this machine (sd_booted(3)), and
// so the writer of the tree of cgroups: others write below those that it delegates.
func Systemd() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// SystemdOwns reports whether the tree of cgroups that is mounted at mount is systemd's.
func SystemdOwns(mount string) bool {
	_, err := os.Lstat(filepath.Join(mount, "init.scope")) // its own cgroup
	return err == nil && Systemd()
}

// Unit returns the name of the scope of systemd that has the cgroup at path:
// "docker-ID.scope"; "" if it is none.
func Unit(path string) string {
	name := filepath.Base(path)
	if !strings.HasSuffix(name, ".scope") || !Systemd() {
		return ""
	}
	return name
}

// removeScope kills every process in the cgroup of a scope, and waits until systemd has
// removed it with all cgroups below. systemd does so when it learns, from cgroup.events,
// that the last process has exited; of a cgroup that is gone before, it learns nothing.
func removeScope(path string) error {
	if err := Kill(path); err != nil {
		return err
	}
	const interval = 2 * time.Millisecond
	for deadline := time.Now().Add(killTimeout); time.Now().Before(deadline); time.Sleep(interval) {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return removeAll(path) // systemd does not know it
}
