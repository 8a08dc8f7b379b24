package container

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/minictr/minictr/internal/inotify"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Waiters is a lock file in the container's directory. A command that waits for the exit
// shares its lock until it has read exit.json, and a container of --rm is removed after
// that, or after a timeout.
const Waiters = "waiters"

// KillTimeout is how long a killed process may take to exit; one in uninterruptible
// sleep, as for a disk, may take longer.
const KillTimeout = 10 * time.Second

// LockWaiters takes a shared lock on the file waiters. The caller closes it.
func (c *Container) LockWaiters() (*os.File, error) {
	lock, err := os.OpenFile(c.Path(Waiters), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockfile.LockFile(context.Background(), lock, lockfile.Shared); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

// AwaitWaiters waits, for at most KillTimeout/2, until no command waits for the exit.
func (c *Container) AwaitWaiters() {
	ctx, cancel := context.WithTimeout(context.Background(), KillTimeout/2)
	defer cancel()
	if lock, err := lockfile.Lock(ctx, c.Path(Waiters), lockfile.Exclusive); err == nil {
		lock.Close()
	}
}

// WaitExit waits until the container's present task exits, and returns its exit status;
// without a task, that of the last one. Before the first task it waits for that.
func (c *Container) WaitExit() (*ExitStatus, error) {
	lock, err := c.LockWaiters()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return c.waitExit()
}

// PendingExit is the exit of a container's present task.
type PendingExit struct {
	Done chan struct{} // closed when the task has exited
	exit *ExitStatus
	err  error
}

// PendingExit starts to wait for the exit. The caller holds the lock of LockWaiters.
func (c *Container) PendingExit() *PendingExit {
	p := &PendingExit{Done: make(chan struct{})}
	go func() {
		p.exit, p.err = c.waitExit()
		close(p.Done)
	}()
	return p
}

// Wait returns the exit status when the task has exited.
func (p *PendingExit) Wait() (*ExitStatus, error) {
	<-p.Done
	return p.exit, p.err
}

// waitExit is WaitExit for a caller that holds the lock of LockWaiters.
func (c *Container) waitExit() (*ExitStatus, error) {
	before, err := c.ExitStatus()
	if err != nil {
		return nil, err
	}
	if before == nil {
		if err := awaitFirstTask(c); err != nil {
			return nil, err
		}
	}
	task, err := createdTask(c)
	if errors.Is(err, state.ErrNotExist) {
		return c.ExitStatus() // of a task that exited since the first look, too
	}
	if err != nil {
		return nil, err
	}
	if before != nil && before.Started.Equal(task.Record.Created) { // it exited, and is being deleted
		return before, nil
	}
	// wait for its process, and then for exit.json
	if pidfd, err := task.Record.Pidfd(); err == nil {
		WaitPidfd(pidfd, -1)
		unix.Close(pidfd)
	}
	return c.waitExitFile(before)
}

// createdTask returns the present task, when it has a process.
func createdTask(c *Container) (*state.Dir, error) {
	task, err := c.Task()
	for ; err == nil && task.Record.Pid == 0; task, err = c.Task() {
		time.Sleep(time.Millisecond)
	}
	return task, err
}

// awaitFirstTask waits until the container has a task with a process, or the exit status
// of one. The error is ErrNotExist if the container is removed.
func awaitFirstTask(c *Container) error {
	watch, err := inotify.New(c.Dir, unix.IN_CREATE|unix.IN_MOVED_TO|unix.IN_DELETE)
	if err != nil {
		return err
	}
	defer watch.Close()
	for {
		_, err := createdTask(c)
		switch {
		case !c.Has("image"):
			return ErrNotExist
		case !errors.Is(err, state.ErrNotExist) || c.Has("exit.json"):
			return nil
		}
		if _, open := <-watch.Changed; !open {
			return watch.Err()
		}
	}
}

// waitExitFile waits until the exit status of a process that exited is recorded: by the
// process that ran the container, or, if that was killed, by recovery.
func (c *Container) waitExitFile(before *ExitStatus) (*ExitStatus, error) {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		exit, err := c.ExitStatus()
		if err != nil || exit != nil && (before == nil || exit.Tasks > before.Tasks) {
			return exit, err
		}
		if time.Since(began) > KillTimeout || !c.Has("image") {
			return nil, errors.New("exit status was not recorded")
		}
		if err := c.Lock(0); err == nil {
			if err := errors.Join(c.RecoverLocked(), c.Unlock()); err != nil {
				return nil, err
			}
		}
	}
}

// WaitPidfd waits until the process of a pidfd exits, and reports whether it did so
// within timeout; a negative timeout is none.
func WaitPidfd(pidfd int, timeout time.Duration) bool {
	deadline := time.Now().Add(timeout)
	for {
		left := -1
		if timeout >= 0 {
			left = int(max(0, time.Until(deadline)).Milliseconds())
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, left)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return true
		}
		if err == nil && n == 0 && left >= 0 {
			return false
		}
	}
}
