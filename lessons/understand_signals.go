package lessons

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// checkSignals: process 1 of the container "polite" handles SIGTERM.
func checkSignals(w *Work) error {
	pid, v, err := w.Container("polite")
	if err != nil {
		return err
	}
	if len(v.Pids) < 2 || v.Pids[len(v.Pids)-1] != 1 {
		return missing("without --pid host", "the container has no process 1 of its own")
	}
	// an init that waits for signals does so again and again
	for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(10 * time.Millisecond) {
		handles, err := handlesTerm(pid)
		if err != nil || handles {
			return err
		}
	}
	return missing(fmt.Sprintf("process 1 is %s: does that program handle it, or one of its children?", v.Comm),
		"SigCgt in /proc/%d/status: no function of process 1 handles SIGTERM", pid)
}

// handlesTerm reports whether a function of the process handles SIGTERM, or the process is
// waiting for a signal in rt_sigtimedwait(2), as an init does.
func handlesTerm(pid int) (bool, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return false, err
	}
	_, rest, _ := strings.Cut(string(status), "\nSigCgt:")
	caught, err := strconv.ParseUint(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), 16, 64)
	if err != nil {
		return false, fmt.Errorf("/proc/%d/status: SigCgt: %w", pid, err)
	}
	call, err := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid)) // "NUMBER ARGUMENTS…", or "running"
	number, _, _ := strings.Cut(string(call), " ")
	return caught&(1<<(unix.SIGTERM-1)) != 0 || number == strconv.Itoa(unix.SYS_RT_SIGTIMEDWAIT), err
}
