package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// WatchOOM sends a value for each time that the OOM killer has come to the
// cgroup or below it, and closes the channel when no process is left in it. The
// kernel tells of both by modifying a file: memory.events counts, and cgroup.events
// says whether the cgroup is populated. Without the memory controller the first
// does not exist, and the end is all there is to tell.
func WatchOOM(path string) (<-chan struct{}, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify_init1: %w", err)
	}
	notes := os.NewFile(uintptr(fd), "inotify")
	for _, name := range []string{"cgroup.events", "memory.events"} {
		_, err := unix.InotifyAddWatch(fd, filepath.Join(path, name), unix.IN_MODIFY)
		if err != nil && !(name == "memory.events" && errors.Is(err, unix.ENOENT)) {
			notes.Close()
			return nil, fmt.Errorf("inotify_add_watch %s: %w", filepath.Join(path, name), err)
		}
	}
	came := make(chan struct{})
	go func() {
		defer close(came)
		defer notes.Close()
		seen := oomKills(path)
		for buf := make([]byte, 4096); ; {
			for now := oomKills(path); seen < now; seen++ {
				came <- struct{}{}
			}
			if events, err := get(path, "cgroup.events"); err != nil || strings.Contains(events, "populated 0") {
				return
			}
			if _, err := notes.Read(buf); err != nil {
				return
			}
		}
	}()
	return came, nil
}

// oomKills is how many processes of the cgroup the OOM killer has killed.
func oomKills(path string) uint64 {
	events, _ := readTable(path, "memory.events")
	return events["oom_kill"]
}

// OOM tells that processes of a cgroup were killed because memory had run out.
type OOM struct {
	Kills uint64 // processes
	Limit uint64 // memory.max in bytes, if that was reached; 0: the machine had no more
	Peak  uint64 // the most that was used, in bytes; 0 before Linux 5.19
}

// ReadOOM reads what a cgroup knows of that (cgroup-v2, memory.events). It is nil
// if it never happened, and where nobody counts.
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
