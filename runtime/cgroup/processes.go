package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// The processes of a cgroup can be had together: listed, frozen, signalled.
//
// A list is out of date when it is read, for whoever is on it may fork. So
// those who are to be signalled one by one are frozen first; and SIGKILL is not
// sent to a list at all.

// Freeze stops every process in the cgroup and below it, and returns when all
// stand still. They notice nothing but the time that is gone.
func Freeze(path string) error { return freeze(path, "1") }

// Thaw lets them go on.
func Thaw(path string) error { return freeze(path, "0") }

func freeze(path, state string) error {
	const limit = 10 * time.Second // a process may be in a system call that is not interrupted
	if err := put(path, "cgroup.freeze", state); err != nil {
		return err
	}
	return waitEvent(path, "frozen "+state, limit)
}

// Frozen tells whether the cgroup itself is frozen, as opposed to one above it.
func Frozen(path string) (bool, error) {
	state, err := get(path, "cgroup.freeze")
	return state == "1", err
}

// Pids lists the processes in the cgroup and below it, in ascending order.
func Pids(path string) ([]int, error) {
	dirs, err := directories(path)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, dir := range dirs {
		list, err := get(dir, "cgroup.procs")
		if IsGone(err) || errors.Is(err, unix.EOPNOTSUPP) {
			continue // it has gone, or holds threads of processes that are listed above it
		}
		if err != nil {
			return nil, err
		}
		for line := range strings.FieldsSeq(list) {
			pid, err := strconv.Atoi(line)
			if err != nil {
				return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, "cgroup.procs"), err)
			}
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return slices.Compact(pids), nil
}

// Signal sends a signal to every process in the cgroup and below it. That there
// is none, or no such cgroup, is no error.
func Signal(path string, sig unix.Signal) (err error) {
	if sig == unix.SIGKILL {
		if err := kill(path); !IsGone(err) {
			return err
		}
		return nil
	}
	frozen, err := Frozen(path)
	if IsGone(err) {
		return nil
	}
	if err == nil && !frozen {
		err = Freeze(path)
		defer func() { err = errors.Join(err, Thaw(path)) }()
	}
	if err != nil {
		return err
	}
	pids, err := Pids(path)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("kill %d %s: %w", pid, unix.SignalName(sig), err)
		}
	}
	return nil
}

// waitEvent waits until cgroup.events says so. The kernel wakes whoever polls that
// file when it changes, but not when it is removed: so it is read now and then.
func waitEvent(path, event string, limit time.Duration) error {
	const glance = 100 * time.Millisecond
	f, err := os.Open(filepath.Join(path, "cgroup.events"))
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, 256)
	for deadline := time.Now().Add(limit); ; {
		n, err := unix.Pread(int(f.Fd()), buf, 0)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Name(), err)
		}
		if bytes.Contains(buf[:n], []byte(event)) {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("wait for %q in %s: not after %v", event, f.Name(), limit)
		}
		wait := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		if _, err := unix.Poll(wait, int(min(left, glance).Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll %s: %w", f.Name(), err)
		}
	}
}

// get reads a file of the cgroup.
func get(path, name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(path, name))
	return strings.TrimSpace(string(data)), err
}

// put writes a file of the cgroup in one call, as the kernel wants it.
func put(path, name, value string) error {
	f, err := os.OpenFile(filepath.Join(path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
