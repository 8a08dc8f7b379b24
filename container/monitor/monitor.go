package monitor

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
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

func sendWord(starter *os.File, word string) error {
	_, err := starter.WriteString(word)
	return err
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

// terminalSignals are signals that a terminal or a full disk sends.
var terminalSignals = [...]os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGXFSZ, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU}

// ignoreSignals holds for what we become, too: execve(2) keeps what is ignored.
func ignoreSignals() { signal.Ignore(terminalSignals[:]...) }

// catchSignals does nothing about them either, and a container that is made
// meanwhile has their default actions: a handler does not outlive execve(2).
func catchSignals() { signal.Notify(make(chan os.Signal, 1), terminalSignals[:]...) }

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

// Ended is what the watcher does when its container has ended. It returns when
// there is nothing left to watch over.
func Ended(root, id string) error {
	ignoreSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	task, err := c.Task()
	if err != nil {
		return err
	}
	status, err := runtime.WaitFor(task.Record.Pid)
	if err != nil {
		return err
	}
	exit := c.NewExitStatus(status)
	countFastExit(exit)
	drain(c)
	if err := c.SaveExitStatus(exit); err != nil {
		return err
	}
	if err := c.DeleteTask(); err != nil {
		return err
	}
	waitForChecks()
	closeFiles()
	return afterExit(c, exit)
}

// Restart is what the watcher does when it has slept.
func Restart(root, id string) error {
	catchSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	return restart(c)
}

// ownContainer is the container of this watcher, which has its lock.
func ownContainer(root, id string) (*container.Container, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	c, err := container.Open(root, id, container.NamesOf(root)[id])
	c.LockFile = os.NewFile(dirFD, c.Dir)
	return c, err
}

// afterExit is what follows an end.
func afterExit(c *container.Container, exit *container.ExitStatus) error {
	if c.Settings.Options.Remove {
		c.AwaitWaiters()
		return c.Remove()
	}
	pause, restart := container.RestartPause(c.Settings.Restart, exit)
	if !restart {
		return errors.Join(c.RemoveFile(container.MonitorFile), c.Unlock())
	}
	if err := c.WriteFile(container.RestartingFile, nil); err != nil {
		return err
	}
	if c.Has("stopped") { // since we asked
		return errors.Join(c.RemoveFile(container.RestartingFile), c.RemoveFile(container.MonitorFile), c.Unlock())
	}
	return sleepThen(pause, []string{"minictr", "monitor", "--again", c.ID}, environment(c))
}

// restart begins another life.
func restart(c *container.Container) error {
	exit, err := c.ExitStatus()
	if err != nil {
		return err
	}
	if exit == nil {
		return fmt.Errorf("container %s: it begins again, and has never ended", c.ID)
	}
	exit.Restarts++
	err = errors.Join(c.SaveExitStatus(exit), c.RemoveFile(container.RestartingFile))
	if err == nil {
		err = createTask(c, nil, nil)
	}
	if err == nil {
		err = becomeTable(c)
	}
	return recordFailure(c, err)
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

// drain writes to the log what the container has written last. Who outlives it
// with the same pipe, as only a process of the host's pid namespace can, is not
// waited for.
func drain(c *container.Container) {
	log, err := logs.OpenWriter(c.Dir, c.Settings.LogMaximum)
	if err != nil {
		return // a log is never worth more than an end
	}
	defer log.Close()
	buf := make([]byte, 32<<10)
	for fd, stream := range map[int]int{OutputFD: logs.Stdout, errorFD: logs.Stderr} {
		for left := 1 << 20; left > 0; {
			if err := unix.SetNonblock(fd, true); err != nil {
				break // there is no such stream
			}
			n, err := unix.Read(fd, buf)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if n <= 0 {
				break
			}
			left -= n
			log.Write(stream, time.Now(), buf[:n]) // a full disk leaves it out
		}
	}
}

const slowExit = 10 * time.Second

// countFastExit counts the lives in a row that have ended soon.
func countFastExit(e *container.ExitStatus) {
	if e.Duration() >= slowExit {
		e.FastExits = 0
	}
	e.FastExits++
}
