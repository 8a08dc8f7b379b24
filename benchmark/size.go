package benchmark

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// measureSize adds up what the instances of a target take that are running.
func measureSize(t Target, running []*Instance) (s Size, err error) {
	s = Size{Target: t.Facts().Name, N: len(running), Cgroup: -1}
	daemons := t.Processes()
	s.Processes, s.Daemons = len(daemons), pss(daemons)
	s.PSS = s.Daemons
	for _, i := range running {
		pids := i.Processes()
		s.Processes += len(pids)
		s.PSS += pss(pids)
		if i.Cgroup == nil {
			continue
		}
		if dir := i.Cgroup(); dir != "" {
			s.Cgroup = max(s.Cgroup, 0) + charged(dir)
		}
	}
	if s.Available, err = memoryField("/proc/meminfo", "MemAvailable"); err != nil {
		return s, err
	}
	s.Disk, err = t.Disk()
	return s, err
}

// pss adds up the proportional set sizes of processes (proc_pid_smaps(5)): of
// pages that n processes share, each has one part in n. One that has ended has none.
func pss(pids []int) (sum int64) {
	for _, pid := range pids {
		n, _ := memoryField(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss")
		sum += n
	}
	return sum
}

// charged returns the memory that a cgroup, of v2 or v1, is charged for.
func charged(dir string) (bytes int64) {
	for _, name := range [...]string{"memory.current", "memory.usage_in_bytes"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			bytes, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		}
	}
	return bytes
}

// memoryField returns a field of a file of /proc that is in kB, in bytes.
func memoryField(file, key string) (bytes int64, err error) {
	value, err := field(file, key, ":")
	if err != nil {
		return 0, err
	}
	kB, err := strconv.ParseInt(strings.TrimSuffix(value, " kB"), 10, 64)
	return kB * 1024, err
}

// field returns the value of the first line "KEY SEPARATOR VALUE" of a file.
func field(file, key, separator string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, separator); ok && strings.TrimSpace(name) == key {
			return strings.Trim(strings.TrimSpace(value), `"`), nil
		}
	}
	return "", fmt.Errorf("%s: no %s", file, key)
}

// Usage returns how many bytes of disk the given files and directories take:
// blocks that are allocated, so that holes do not count. A file with several
// names counts once; what is mounted in a directory does not count (du(1)).
func Usage(paths ...string) (bytes int64, err error) {
	out, err := exec.Command("du", append([]string{"-sxcB1", "--"}, paths...)...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(paths)+1 { // a path is missing; else a daemon has removed a file meanwhile
		return 0, fmt.Errorf("du %q: %w", paths, cmp.Or(err, errors.New("no total")))
	}
	total, _, _ := strings.Cut(lines[len(paths)], "\t")
	return strconv.ParseInt(total, 10, 64)
}
