package engine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// Which processes serve a container? Those that descend from the command that
// made it. A daemon loses its parent; the kernel gives it the nearest ancestor
// that is a "child subreaper" (PR_SET_CHILD_SUBREAPER(2const)), which is the
// benchmark while the command runs.

// pids is a set of process ids.
type pids []int

// parents returns the parent of each process (proc_pid_stat(5)), without zombies.
func parents() map[int]int {
	all := map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, _ := os.ReadFile(file) // of one that has ended, nothing
		_, rest, _ := strings.Cut(string(text), ") ")
		if words := strings.Fields(rest); len(words) > 1 && words[0] != "Z" {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			all[pid], _ = strconv.Atoi(words[1])
		}
	}
	return all
}

// descendants returns all processes that descend from this one.
func descendants() pids {
	children := map[int]pids{}
	for pid, parent := range parents() {
		children[parent] = append(children[parent], pid)
	}
	all := pids{os.Getpid()}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all[1:]
}

func (p pids) without(others pids) pids {
	return slices.DeleteFunc(slices.Clone(p), func(pid int) bool { return slices.Contains(others, pid) })
}

func (p pids) alive() pids {
	all := parents()
	return slices.DeleteFunc(slices.Clone(p), func(pid int) bool { return all[pid] == 0 })
}

// wait returns when all have ended. It reaps children, and is therefore called
// when no command is running.
func (p pids) wait(ctx context.Context) error {
	err := benchmark.Poll(ctx, time.Millisecond, func() error {
		if alive := p.alive(); len(alive) > 0 {
			return fmt.Errorf("processes %v have not ended", alive)
		}
		return nil
	})
	for reaped := 1; reaped > 0; {
		reaped, _ = unix.Wait4(-1, nil, unix.WNOHANG, nil)
	}
	return err
}

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
// they make a container. Those that are in use stay.
func removeCgroups() {
	exec.Command("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-name", idPrefix+"*", "-delete").Run()
}
