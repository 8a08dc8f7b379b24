package runtime

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// A signal goes to the container's first process, held by a pidfd so that it
// can be no other. What becomes of the rest is the kernel's business: when that
// process was pid 1 of a namespace, all others there die with it. A container
// that has no pid namespace of its own can only be killed as a whole by its
// cgroup; to the others it makes no difference.

// Kill sends a signal to the container's process; SIGKILL goes to all in its
// cgroup, too. With all, every signal goes to all in the cgroup, and it is no
// error that the container's process has ended.
func Kill(c *state.Dir, sig unix.Signal, all bool) error {
	group := c.Record.Cgroup
	if all && group != "" && sig != unix.SIGKILL {
		return withFreezeLock(c, func(group string) error { return cgroup.Signal(group, sig) })
	}
	err := signalInit(c, sig)
	if errors.Is(err, state.ErrNotRunning) && all {
		err = nil
	}
	if err != nil || group == "" || sig != unix.SIGKILL {
		return err
	}
	return cgroup.Signal(group, sig)
}

// signalInit sends a signal to this very process, pidfd_send_signal(2).
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
