package container

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// Who waits for the end of a container wants to read exit.json, also of one that
// is removed the next moment. So a waiter shares the lock of the file waiters,
// and who removes gives waiters a moment to let go of it.

const Waiters = "waiters"

// WaitExit waits until the container's present life has ended, and returns that
// end; that of the last one, if it does not run.
func (c *Container) WaitExit() (*ExitStatus, error) {
	lock, err := c.LockWaiters()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return c.waitExit()
}

// LockWaiters takes a share of that lock, for the caller to close.
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

func (c *Container) waitExit() (*ExitStatus, error) {
	before, err := c.ExitStatus()
	if err != nil {
		return nil, err
	}
	task, err := c.Task()
	for ; err == nil && task.Record.Pid == 0; task, err = c.Task() { // it is being made
		time.Sleep(time.Millisecond)
	}
	if errors.Is(err, state.ErrNotExist) {
		last, err := c.ExitStatus() // that life may have ended since we looked
		if err == nil && last == nil {
			err = hint.New(errors.New("it has not been started"), "minictr start "+c.Name+" starts it")
		}
		return last, err
	}
	if err != nil {
		return nil, err
	}
	if before != nil && before.Started.Equal(task.Record.Created) { // what is left of that life is being removed
		return before, nil
	}
	if pidfd, err := task.Record.Pidfd(); err == nil {
		WaitPidfd(pidfd, -1)
		unix.Close(pidfd)
	}
	return c.waitExitFile(before)
}

// waitExitFile waits until the end of a process that is gone is written down: by
// its keeper, or else by us.
func (c *Container) waitExitFile(before *ExitStatus) (*ExitStatus, error) {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		exit, err := c.ExitStatus()
		if err != nil || exit != nil && (before == nil || exit.Tasks > before.Tasks) {
			return exit, err
		}
		if time.Since(began) > KillTimeout || !c.Has("image") {
			return nil, errors.New("nobody has written down how it ended")
		}
		if err := c.Lock(0); err == nil {
			err := c.RecoverLocked("")
			c.Unlock()
			if err != nil {
				return nil, err
			}
		}
	}
}

// AwaitWaiters gives those who wait for the end a moment to read it.
func (c *Container) AwaitWaiters() {
	ctx, cancel := context.WithTimeout(context.Background(), KillTimeout/2)
	defer cancel()
	if lock, err := lockfile.Lock(ctx, c.Path(Waiters), lockfile.Exclusive); err == nil {
		lock.Close()
	}
}

// PendingExit is the end of a container's present life, which is to come. The lock of
// its waiters is the caller's to hold.
type PendingExit struct {
	Done chan struct{}
	end  *ExitStatus // when it is done
	err  error
}

func (c *Container) PendingExit() *PendingExit {
	e := &PendingExit{Done: make(chan struct{})}
	go func() {
		e.end, e.err = c.waitExit()
		close(e.Done)
	}()
	return e
}

// Wait waits for it.
func (e *PendingExit) Wait() (*ExitStatus, error) {
	<-e.Done
	return e.end, e.err
}

// KillTimeout is how long a process may take to die; one that waits for a disk cannot.
const KillTimeout = 10 * time.Second

// WaitPidfd waits until a process has ended, or for so long; forever if that is
// negative.
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
