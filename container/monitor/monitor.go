package monitor

// The programs that a monitor executes, one after the other, in one process:
//
//	minictr monitor ID            creates the container's task (Run), becomes the table
//	the table (program.go)        waits for the exit
//	minictr monitor --ended ID    records the exit (Ended), and exits or sleeps
//	minictr monitor --restart ID  creates the next task (Restart), becomes the table
//
// When the monitor is killed, the kernel kills the container's process (prctl(2),
// PR_SET_PDEATHSIG), and the next command recovers the rest (container/recover.go).

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

// Run starts a container, reports that to the command at the other end of starter, and
// becomes the container's idle monitor. It returns only on error, which it has reported
// and recorded. The container reads stdin; if that is nil, what its settings say. trace,
// if any, sees each system call.
func Run(root, id string, starter, stdin *os.File, trace func(*plan.Plan) walk.Trace) error {
	// inherited descriptors are neither for the monitor nor for the container
	err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err != nil {
		return sendReport(starter, fmt.Errorf("close_range: %w", err))
	}
	// take the container
	c, err := container.OpenID(root, id)
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
	err = errors.Join(c.RecoverLocked(), recordMonitor(c), c.MarkRemove(), resetRestarts(c))
	// start it, report, and wait for its exit
	if err == nil {
		err = createTask(c, stdin, trace)
	}
	if err == nil {
		c.Event("start")
		err = closeStdio()
	}
	if err == nil {
		sendWord(starter, running) // an error: that command was killed, and the container runs
		err = becomeIdle(c)
	}
	return errors.Join(sendReport(starter, err), recordFailure(c, err))
}

// lockForStart locks the container, and kills a monitor that waits before a restart. The
// error is ErrRunning if another monitor started the container.
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

// closeStdio replaces the streams of the command that started the monitor.
func closeStdio() error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	return errors.Join(keepFile(null, unix.Stdin), keepFile(null, unix.Stdout), keepFile(null, unix.Stderr))
}

// recordMonitor writes which process is the monitor, and keeps the lock and the program
// file open over execve(2).
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
	return errors.Join(c.ReplaceFile(container.MonitorFile, data),
		keepFile(c.LockFile, dirFD), keepFile(exe, minictrFD))
}

// resetRestarts counts restarts from 0: a command started the container.
func resetRestarts(c *container.Container) error {
	exit, err := c.ExitStatus()
	if err != nil || exit == nil {
		return err
	}
	exit.Restarts, exit.FastExits = 0, 0
	return c.SaveExitStatus(exit)
}

// createTask starts the container's process, with streams that the monitor keeps, and
// the timer of its health checks.
func createTask(c *container.Container, stdin *os.File, trace func(*plan.Plan) walk.Trace) error {
	// prepare options and streams
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
	// start the process, and keep what the table needs
	t.Trace = trace
	process, err := c.CreateTask(spec, t)
	if err != nil {
		return err
	}
	if err := streams.keep(process); err != nil {
		return err
	}
	return startTimer(c)
}

// becomeIdle makes this process the table that waits for the exit.
func becomeIdle(c *container.Container) error {
	args := func(words ...string) []string { return append(append([]string{"minictr"}, words...), c.ID) }
	m := &idleMonitor{
		Ended: args("monitor", "--ended"), Health: args("health"), Env: environment(c),
		Log: logs.Current, Older: logs.Older, Maximum: c.Settings.LogMaximum,
	}
	ignoreSignals()
	return m.become()
}

// exitNotStarted is the exit code of a container that could not be started; docker's.
const exitNotStarted = 125

// recordFailure records that the container could not be started, and deletes its task if
// there is one. It returns the errors of that alone.
func recordFailure(c *container.Container, err error) error {
	exit := c.NextExitStatus()
	exit.Error, exit.ExitCode = err.Error(), exitNotStarted
	if code, ok := runtime.ExecExitCode(err); ok {
		exit.ExitCode = code
	}
	if c.Settings.Options.Remove {
		return errors.Join(c.DeleteTask(), c.Remove(true))
	}
	return errors.Join(c.SaveExitStatus(exit), c.DeleteTask(), c.RemoveFile(container.MonitorFile), c.Unlock())
}
