package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Process identifies a process for other commands and for later. A PID is used
// again: the process is the one that began at StartTime, in clock ticks since the
// boot of the machine.
type Process struct {
	Boot      string `json:"boot"`
	Pid       int    `json:"pid"` // on the host; 0 for none
	StartTime uint64 `json:"startTime"`
}

// Self identifies the calling process.
func Self() (p Process, err error) {
	p.Pid = os.Getpid()
	if p.Boot, err = bootID(); err != nil {
		return p, err
	}
	_, p.StartTime, err = readStat(p.Pid)
	return p, err
}

// Pidfd returns a pidfd of the process, for the caller to close (pidfd_open(2)).
// The error is ErrNotRunning if the process has ended.
func (p Process) Pidfd() (int, error) {
	if p.Pid == 0 {
		return -1, ErrNotRunning
	}
	fd, err := unix.PidfdOpen(p.Pid, 0)
	// EINVAL: the PID is that of a process group or session whose leader has ended, or of
	// a thread of another process. Newer kernels return ESRCH and ENOENT for that.
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		return -1, ErrNotRunning
	}
	if err != nil {
		return -1, fmt.Errorf("pidfd_open(%d): %w", p.Pid, err)
	}
	alive, err := p.isAlive() // now that the pidfd refers to a process
	if err == nil && alive {
		return fd, nil
	}
	unix.Close(fd)
	if err == nil {
		err = ErrNotRunning
	}
	return -1, err
}

// isAlive reports whether the process runs.
func (p Process) isAlive() (bool, error) {
	if p.Pid == 0 {
		return false, nil
	}
	state, began, err := readStat(p.Pid)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if state == 'Z' || state == 'X' || began != p.StartTime {
		return false, nil
	}
	return p.ThisBoot()
}

// ThisBoot reports whether the process was recorded since the machine booted. No
// process and no cgroup outlives a boot.
func (p Process) ThisBoot() (bool, error) {
	boot, err := bootID()
	return boot == p.Boot, err
}

// readStat reads the state and the start time of a process, in clock ticks since
// boot: fields 3 and 22 of /proc/PID/stat (proc_pid_stat(5)). Field 2, a name in
// parentheses, may hold blanks and parentheses.
func readStat(pid int) (state byte, began uint64, err error) {
	path := "/proc/" + strconv.Itoa(pid) + "/stat"
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("read %s: %d fields after the name", path, len(fields))
	}
	began, err = strconv.ParseUint(string(fields[22-3]), 10, 64)
	if err != nil {
		return 0, 0, fmt.Errorf("read %s: %w", path, err)
	}
	return fields[0][0], began, nil
}

// bootID is unique to a boot of the machine (random(4)).
func bootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return string(bytes.TrimSpace(data)), err
}
