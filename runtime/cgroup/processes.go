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

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// All processes of a cgroup together: list, freeze, signal.
//
// A list is out of date when it is read, for a process may fork. So the processes
// are frozen before they are signalled one by one; SIGKILL needs no list.

// Freeze stops every process in the cgroup and below it, and waits until all are
// stopped, up to 10 seconds.
func Freeze(path string) error { return freeze(path, "1") }

// Thaw resumes them.
func Thaw(path string) error { return freeze(path, "0") }

func freeze(path, state string) error {
	const limit = 10 * time.Second // a process may be in a system call that is not interrupted
	if err := put(path, "cgroup.freeze", state); err != nil {
		return err
	}
	return waitEvent(path, "frozen "+state, limit)
}

// Frozen reports whether the cgroup itself is frozen, as opposed to one above it.
func Frozen(path string) (bool, error) {
	state, err := get(path, "cgroup.freeze")
	return state == "1", err
}

// Pids returns the PIDs of the processes in the cgroup and below it, in ascending
// order.
func Pids(path string) ([]int, error) {
	dirs, err := directories(path)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, dir := range dirs {
		list, err := get(dir, "cgroup.procs")
		if IsGone(err) || errors.Is(err, unix.EOPNOTSUPP) {
			continue // removed, or a threaded cgroup, whose processes are listed above it
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

// CheckFree returns an error unless a container can start in the cgroup at path, which
// exists. The words are runc's.
func CheckFree(path string) error {
	pids, err := Pids(path)
	if err == nil && len(pids) > 0 {
		err = fmt.Errorf("container's cgroup is not empty: %d process(es) found", len(pids))
	}
	if err != nil {
		return err
	}
	frozen, err := Frozen(path)
	if err == nil && frozen {
		err = hint.New(errors.New("container's cgroup unexpectedly frozen"), "echo 0 >"+path+"/cgroup.freeze")
	}
	return err
}

// Signal sends a signal to every process in the cgroup and below it. It is not an
// error if there is none, or no such cgroup.
func Signal(path string, sig unix.Signal) error {
	if sig == unix.SIGKILL {
		if err := kill(path); !IsGone(err) {
			return err
		}
		return nil
	}
	return signalEach(path, sig)
}

// KillEach sends SIGKILL to every process in the cgroup and below it, one by one, waits
// until they have ended, and thaws the cgroup: it is as it was before them. If cgroup.kill
// is written, Linux 6.14 and later kill whatever clone3(2) starts there afterwards from
// another cgroup (CLONE_INTO_CGROUP).
func KillEach(path string) error {
	err := signalEach(path, unix.SIGKILL)
	if err == nil {
		err = waitEvent(path, "populated 0", killTimeout)
	}
	if err == nil {
		err = Thaw(path)
	}
	if IsGone(err) {
		return nil
	}
	return err
}

// signalEach signals the processes while all of them are frozen.
func signalEach(path string, sig unix.Signal) (err error) {
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

// waitEvent waits until cgroup.events has a line. poll(2) returns when that file
// changes, but not when it is removed: so it is also read ten times a second.
func waitEvent(path, event string, limit time.Duration) error {
	const interval = 100 * time.Millisecond
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
			return fmt.Errorf("%[2]s: no %[1]q after %[3]v", event, f.Name(), limit)
		}
		wait := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		_, err = unix.Poll(wait, int(min(left, interval).Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll %s: %w", f.Name(), err)
		}
	}
}

// get reads a file of the cgroup, without the newline.
func get(path, name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(path, name))
	return strings.TrimSpace(string(data)), err
}

// put writes a file of the cgroup in one write(2), as the kernel requires.
func put(path, name, value string) error {
	f, err := os.OpenFile(filepath.Join(path, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
