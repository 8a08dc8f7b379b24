package monitor

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// Run makes the container and becomes its watcher; it returns only if that
// fails. starter is told that it lives, or of the error.
// stdin, if any, is what the container reads. It has to be called on the process's
// first thread.
func Run(root, id string, starter, stdin *os.File, calls func(*plan.Plan) walk.Trace) error {
	// what the caller has left open is neither ours nor the container's
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		return sendReport(starter, fmt.Errorf("close_range: %w", err))
	}
	c, err := container.Open(root, id, "")
	if err == nil {
		err = lockForStart(c)
	}
	if errors.Is(err, container.ErrRunning) {
		return sendWord(starter, alreadyStarting)
	}
	if err != nil {
		return sendReport(starter, err)
	}
	catchSignals()
	err = errors.Join(c.RecoverLocked(""), recordMonitor(c), c.MarkRemove(), forgetRestarts(c))
	if err == nil {
		err = createTask(c, stdin, calls)
	}
	if err == nil {
		err = errors.Join(closeStdio(), sendWord(starter, running))
	}
	if err == nil {
		err = becomeTable(c)
	}
	return errors.Join(sendReport(starter, err), recordFailure(c, err))
}

// lockForStart locks the container; a watcher that waits to begin again gives way.
// The error is ErrRunning if another one starts it at this moment, and succeeds.
func lockForStart(c *container.Container) error {
	for began := time.Now(); ; {
		if err := c.CancelRestart(); err != nil {
			return err
		}
		err := c.Lock(container.LockTimeout)
		if !errors.Is(err, container.ErrRunning) {
			return err
		}
		if s, err := c.State(); err != nil || s.Active() {
			return errors.Join(err, container.ErrRunning)
		}
		if time.Since(began) > container.KillTimeout {
			return container.ErrBusy
		}
	}
}

// closeStdio gives up the starter's streams: the container has those that it is to have.
func closeStdio() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return errors.Join(keepFile(null, unix.Stdin), keepFile(null, unix.Stdout), keepFile(null, unix.Stderr))
}

// recordMonitor writes down that this process watches over the container, and
// keeps what has to stay.
func recordMonitor(c *container.Container) error {
	self, err := state.Self()
	if err != nil {
		return err
	}
	data, err := json.Marshal(&self)
	if err != nil {
		return err
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer exe.Close()
	return errors.Join(c.ReplaceFile(container.MonitorFile, data), keepFile(c.LockFile, dirFD), keepFile(exe, minictrFD))
}

// forgetRestarts: somebody has started it, so they are counted from 0.
func forgetRestarts(c *container.Container) error {
	exit, err := c.ExitStatus()
	if err != nil || exit == nil {
		return err
	}
	exit.Restarts, exit.FastExits = 0, 0
	return c.SaveExitStatus(exit)
}

// createTask begins a life, with the watcher's descriptors for its streams.
func createTask(c *container.Container, stdin *os.File, calls func(*plan.Plan) walk.Trace) error {
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	host, err := c.PlanHost()
	if err != nil {
		return err
	}
	t, err := c.CreateOptions(host)
	if err != nil {
		return err
	}
	streams, err := newStreams(c, spec, stdin, &t)
	if err != nil {
		return err
	}
	defer streams.close()
	if err := c.ReserveExitStatus(); err != nil {
		return err
	}
	t.Trace = calls
	process, err := c.CreateTask(spec, t)
	if err != nil {
		return err
	}
	if err := streams.keep(process); err != nil {
		return err
	}
	return startTimer(c)
}

// becomeTable becomes the watch.
func becomeTable(c *container.Container) error {
	args := func(words ...string) []string { return append(append([]string{"minictr"}, words...), c.ID) }
	w := &idleMonitor{
		Ended: args("monitor", "--ended"), Health: args("health"), Env: environment(c),
		Log: logs.Current, Older: logs.Older, Maximum: c.Settings.LogMaximum,
	}
	ignoreSignals()
	return w.become()
}

// recordFailure writes down that the container could not be started, and ends what may
// have been started of it.
func recordFailure(c *container.Container, err error) error {
	exit := c.NextExitStatus()
	exit.Error, exit.ExitCode = err.Error(), exitNotStarted
	if code, ok := runtime.ExecExitCode(err); ok {
		exit.ExitCode = code
	}
	if c.Settings.Options.Remove {
		return errors.Join(c.DeleteTask(), c.Remove())
	}
	return errors.Join(c.SaveExitStatus(exit), c.DeleteTask(), c.RemoveFile(container.MonitorFile), c.Unlock())
}

// exitNotStarted is the exit code of a container that could not be started.
const exitNotStarted = 125
