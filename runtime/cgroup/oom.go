package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// WatchOOM sends a value for each process that the OOM killer kills in the cgroup or
// below it, and closes the channel when no process is left. The kernel modifies a
// file for both (inotify(7)): memory.events counts the kills, and cgroup.events has
// whether the cgroup is populated. Without the memory controller only the end is
// reported.
func WatchOOM(path string) (<-chan struct{}, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify_init1: %w", err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	for _, name := range []string{"cgroup.events", "memory.events"} {
		_, err := unix.InotifyAddWatch(fd, filepath.Join(path, name), unix.IN_MODIFY)
		if err != nil && !(name == "memory.events" && errors.Is(err, unix.ENOENT)) {
			events.Close()
			return nil, fmt.Errorf("inotify_add_watch %s: %w", filepath.Join(path, name), err)
		}
	}
	kills := make(chan struct{})
	go func() {
		defer close(kills)
		defer events.Close()
		seen := oomKills(path)
		for buf := make([]byte, 4096); ; {
			for now := oomKills(path); seen < now; seen++ {
				kills <- struct{}{}
			}
			if populated, err := get(path, "cgroup.events"); err != nil || strings.Contains(populated, "populated 0") {
				return
			}
			if _, err := events.Read(buf); err != nil {
				return
			}
		}
	}()
	return kills, nil
}

// oomKills returns how many processes of the cgroup the OOM killer has killed.
func oomKills(path string) uint64 {
	events, _ := readTable(path, "memory.events")
	return events["oom_kill"]
}

// OOM describes how the OOM killer has killed processes of a cgroup.
type OOM struct {
	Kills uint64 // processes
	Limit uint64 // memory.max in bytes, if it was reached; 0: the machine ran out of memory
	Peak  uint64 // highest memory usage in bytes; 0 before Linux 5.19
}

// ReadOOM reads memory.events of a cgroup (cgroup-v2.rst). It returns nil if no process
// was killed, and without the memory controller.
func ReadOOM(path string) *OOM {
	events, err := readTable(path, "memory.events")
	if err != nil || events["oom_kill"] == 0 {
		return nil
	}
	oom := &OOM{Kills: events["oom_kill"]}
	oom.Peak, _ = readNumber(path, "memory.peak")
	if events["oom"] > 0 {
		oom.Limit, _ = readNumber(path, "memory.max")
	}
	return oom
}
