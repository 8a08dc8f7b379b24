package runtime

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/systemd"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// Where systemd is the first process, cgroups that outlive a command are below a scope that
// systemd has delegated, which exists until the machine is shut down:
//
//	/minictr.scope           systemd's: no process may be in it, since it enables controllers
//	/minictr.scope/monitors  the holder of the scope; and processes that run for a container
//	/minictr.scope/ID        a container
//
// A scope ends with its last process, so one process holds it, in a few pages of memory
// (compile.Holder). systemctl stop minictr.scope stops all containers; so does a shutdown.
// Each step can be made again after a kill -9 before it.

// Delegate makes the scope unit, below the root of the tree at mount, unless it exists; and
// returns the path of the cgroup "monitors" in it.
func Delegate(mount, unit string) (monitors string, err error) {
	scope := filepath.Join(mount, unit)
	monitors = filepath.Join(scope, "monitors")
	if isDelegated(scope, monitors) {
		return monitors, nil
	}
	if _, err := os.Lstat(scope); errors.Is(err, fs.ErrNotExist) {
		if err := startDelegated(unit); err != nil {
			return "", err
		}
	}
	if err := os.Mkdir(monitors, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	for !isDelegated(scope, monitors) {
		if err := moveProcesses(scope, monitors); err != nil {
			return "", err
		}
	}
	return monitors, nil
}

// isDelegated reports whether the scope is complete: no process is in its own cgroup.
func isDelegated(scope, monitors string) bool {
	_, err := os.Lstat(monitors)
	procs, readErr := os.ReadFile(filepath.Join(scope, "cgroup.procs"))
	return err == nil && readErr == nil && len(procs) == 0
}

// startDelegated makes the scope, with its holder. Another command may make it at the same
// time: then this holder exits.
func startDelegated(unit string) error {
	p, err := compile.Holder(true)
	if err != nil {
		return err
	}
	goruntime.LockOSThread()
	defer goruntime.UnlockOSThread()
	holder, err := walk.Host(p, walk.Caller{})
	if err != nil {
		return err
	}
	defer holder.Close()
	pid, _ := holder.Result("holder")
	err = systemd.StartDelegated(unit, pid)
	if err != nil {
		unix.Kill(pid, unix.SIGKILL)
		_, waitErr := WaitFor(pid)
		err = errors.Join(err, waitErr)
	}
	if errors.Is(err, systemd.ErrExists) {
		return nil
	}
	return err
}

// moveProcesses moves the processes of one cgroup to another. One that has exited is no
// error.
func moveProcesses(from, to string) error {
	procs, err := os.ReadFile(filepath.Join(from, "cgroup.procs"))
	if err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(procs)) {
		if _, err := strconv.Atoi(pid); err != nil {
			return fmt.Errorf("read %s/cgroup.procs: %w", from, err)
		}
		err := os.WriteFile(filepath.Join(to, "cgroup.procs"), []byte(pid), 0)
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
