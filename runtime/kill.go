package runtime

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// A signal goes to the container's first process, by its pidfd. If that is pid 1 of a pid
// namespace, the kernel kills the rest with it. A container without a pid namespace of
// its own is killed as a whole by its cgroup, and may have processes when the first one
// has exited.

// Kill sends a signal to the container's process, and SIGKILL to all processes in its
// cgroup, too. With all, every signal goes to all processes in the cgroup, and a first
// process that has exited is no error. The error without a process is
// state.ErrNotRunning.
func Kill(c *state.Dir, sig unix.Signal, all bool) error {
	group, err := c.Record.OwnCgroup()
	if err != nil {
		return err
	}
	if all && group != "" && sig != unix.SIGKILL {
		return withFreezeLock(c, func(group string) error { return cgroup.Signal(group, sig) })
	}
	err = signalInit(c, sig)
	if errors.Is(err, state.ErrNotRunning) && (all || sig == unix.SIGKILL && hasProcesses(group)) {
		err = nil
	}
	if err != nil || group == "" || sig != unix.SIGKILL {
		return err
	}
	if c.Record.CgroupExisted {
		return cgroup.KillEach(group)
	}
	return cgroup.Signal(group, sig)
}

func hasProcesses(group string) bool {
	if group == "" {
		return false
	}
	pids, err := cgroup.Pids(group)
	return err == nil && len(pids) > 0
}

// signalInit sends a signal to the first process (pidfd_send_signal(2)).
func signalInit(c *state.Dir, sig unix.Signal) error {
	pidfd, err := c.Record.Pidfd()
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	err = unix.PidfdSendSignal(pidfd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("%s: %w", c.ID(), state.ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("pidfd_send_signal(%d, %v): %w", c.Record.Pid, sig, err)
	}
	return nil
}
