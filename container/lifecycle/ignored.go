package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ignores reports whether the kernel would discard a signal sent to a process now: the
// process ignores it, or is PID 1 of its namespace and has no handler for it
// (pid_namespaces(7)). A blocked signal stays pending. SIGKILL cannot be ignored.
func ignores(pid int, sig unix.Signal) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/status"
	status, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) { // it has exited
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// read the signal masks, and its process ID in each namespace
	var blocked, ignored, caught, first bool
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "NSpid":
			first = strings.HasSuffix(value, "\t1")
		case "SigBlk":
			blocked, err = maskHas(value, sig)
		case "SigIgn":
			ignored, err = maskHas(value, sig)
		case "SigCgt":
			caught, err = maskHas(value, sig)
		}
		if err != nil {
			return false, fmt.Errorf("read %s: %w", path, err)
		}
	}
	return !blocked && (ignored || first && !caught) && sig != unix.SIGKILL, nil
}

// maskHas reports whether a signal mask of proc_pid_status(5) has the signal.
func maskHas(mask string, sig unix.Signal) (bool, error) {
	bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	return bits&(1<<(sig-1)) != 0, err
}
