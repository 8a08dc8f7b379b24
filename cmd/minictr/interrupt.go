package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// An interrupt is the error of a command that a signal ended. Its exit code is that of
// shells, 128 and the signal.
type interrupt struct{ signal unix.Signal }

func (i interrupt) Error() string { return "interrupted by " + unix.SignalName(i.signal) }

// interruptible returns a context that SIGINT, SIGTERM and SIGHUP cancel. A second
// signal kills at once. stop, which is to be deferred, replaces the error of a command
// that was interrupted.
func interruptible(c *cli.Context) (ctx context.Context, stop func(*error)) {
	ctx, cancel := context.WithCancelCause(c.Context)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(interrupt{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	return ctx, func(err *error) {
		signal.Stop(signals)
		cancel(nil)
		if i, ok := context.Cause(ctx).(interrupt); ok && *err != nil {
			*err = i
		}
	}
}
