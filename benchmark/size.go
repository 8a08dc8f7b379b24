package benchmark

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func measureSize(t Target, running []Instance) (s Size, err error) {
	s = Size{Target: t.Name(), N: len(running), Cgroup: -1}
	for _, pid := range t.Processes() {
		s.Daemons += pss(pid)
	}
	s.Processes, s.PSS = len(t.Processes()), s.Daemons
	for _, i := range running {
		for _, pid := range i.Processes() {
			s.PSS += pss(pid)
			s.Processes++
		}
		if folder := i.Cgroup(); folder != "" {
			s.Cgroup = max(s.Cgroup, 0) + charged(folder)
		}
	}
	if s.Available, err = field("/proc/meminfo", "MemAvailable:"); err != nil {
		return s, err
	}
	s.Disk, err = t.Disk()
	return s, err
}

// pss is the proportional set size of a process (proc_pid_smaps(5)): its own
// pages, and of those that it shares with n others one part in n+1. A process
// that has ended takes nothing.
func pss(pid int) int64 {
	n, err := field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
	if err != nil {
		return 0
	}
	return n
}

// charged is what a control group is charged for, of either version.
func charged(folder string) int64 {
	for _, name := range [...]string{"memory.current", "memory.usage_in_bytes"} {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			return n
		}
	}
	return 0
}

// field of a file of /proc that is given in kB, in bytes.
func field(file, name string) (int64, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) == 3 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("%s: no %s", file, name)
}
