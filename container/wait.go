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

// Who waits for the end of a container wants to read end.json, also of one that
// is removed the next moment. So a waiter shares the lock of the file waiters,
// and who removes gives waiters a moment to let go of it.

const waiters = "waiters"

// Await waits until the container's present life has ended, and returns that
// end; that of the last one, if it does not run.
func (c *Container) Await() (*End, error) {
	lock, err := c.shareWaiters()
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return c.awaitHeld()
}

// shareWaiters takes a share of that lock, for the caller to close.
func (c *Container) shareWaiters() (*os.File, error) {
	lock, err := os.OpenFile(c.path(waiters), os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockfile.LockFile(context.Background(), lock, lockfile.Shared); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return lock, nil
}

func (c *Container) awaitHeld() (*End, error) {
	before, err := c.End()
	if err != nil {
		return nil, err
	}
	life, err := c.life()
	for ; err == nil && life.Record.Pid == 0; life, err = c.life() { // it is being made
		time.Sleep(time.Millisecond)
	}
	if errors.Is(err, state.ErrNotExist) {
		last, err := c.End() // that life may have ended since we looked
		if err == nil && last == nil {
			err = hint.New(errors.New("it has not been started"), "minictr start "+c.Name+" starts it")
		}
		return last, err
	}
	if err != nil {
		return nil, err
	}
	if before != nil && before.Started.Equal(life.Record.Created) { // what is left of that life is being removed
		return before, nil
	}
	if pidfd, err := life.Record.Pidfd(); err == nil {
		await(pidfd, -1)
		unix.Close(pidfd)
	}
	return c.awaitRecord(before)
}

// awaitRecord waits until the end of a process that is gone is written down: by
// its keeper, or else by us.
func (c *Container) awaitRecord(before *End) (*End, error) {
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		end, err := c.End()
		if err != nil || end != nil && (before == nil || end.Lives > before.Lives) {
			return end, err
		}
		if time.Since(began) > lethal || !c.has("image") {
			return nil, errors.New("nobody has written down how it ended")
		}
		if err := c.take(0); err == nil {
			err := c.settleHeld("")
			c.unlock()
			if err != nil {
				return nil, err
			}
		}
	}
}

// letWaitersRead gives those who wait for the end a moment to read it.
func (c *Container) letWaitersRead() {
	ctx, cancel := context.WithTimeout(context.Background(), lethal/2)
	defer cancel()
	if lock, err := lockfile.Lock(ctx, c.path(waiters), lockfile.Exclusive); err == nil {
		lock.Close()
	}
}
