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

// ignores tells whether the kernel drops a signal that would be sent to this process
// now: it ignores it, or is the first one of its pid namespace and has no handler for
// it (pid_namespaces(7)). What is blocked is kept for later. SIGKILL is heard by all.
func ignores(pid int, sig unix.Signal) (bool, error) {
	path := "/proc/" + strconv.Itoa(pid) + "/status"
	status, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) { // it has ended
		return false, nil
	}
	if err != nil {
		return false, err
	}
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

// maskHas tells whether a mask of proc_pid_status(5) has the signal.
func maskHas(mask string, sig unix.Signal) (bool, error) {
	bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	return bits&(1<<(sig-1)) != 0, err
}
