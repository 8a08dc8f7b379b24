package monitor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/runtime"
	"golang.org/x/sys/unix"
)

// Ended is what the monitor executes when its container has exited. It returns when the
// exit is recorded and there is no restart.
func Ended(root, id string) error {
	ignoreSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	// reap the process, and save its exit status before its task is deleted; the record of the
	// task may be corrupt
	pid, err := pidOf(processFD)
	if err != nil {
		return err
	}
	status, err := runtime.WaitFor(pid)
	if err != nil {
		return err
	}
	exit := c.NewExitStatus(status)
	countFastExit(exit)
	drain(c)
	if err := c.SaveExitStatus(exit); err != nil {
		return err
	}
	c.DieEvent(exit)
	if err := c.DeleteTask(); err != nil {
		return err
	}
	// remove the container, leave it, or wait before a restart
	waitForChecks()
	closeFiles()
	return afterExit(c, exit)
}

// pidOf returns the process ID of a pidfd (pidfd_open(2)).
func pidOf(pidfd int) (pid int, err error) {
	path := "/proc/self/fdinfo/" + strconv.Itoa(pidfd)
	info, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(info), "\nPid:")
	line, _, _ := strings.Cut(rest, "\n")
	if pid, err = strconv.Atoi(strings.TrimSpace(line)); err != nil || pid <= 0 {
		return 0, errors.Join(fmt.Errorf("read %s: Pid:%s", path, line), err)
	}
	return pid, nil
}

// Restart is what the monitor executes after the pause before a restart.
func Restart(root, id string) error {
	catchSignals()
	c, err := ownContainer(root, id)
	if err != nil {
		return err
	}
	exit, err := c.ExitStatus()
	if err != nil {
		return err
	}
	if exit == nil {
		return fmt.Errorf("restart container %s: no exit status", c.ID)
	}
	// count the restart, and start the container as Run does
	exit.Restarts++
	err = errors.Join(c.SaveExitStatus(exit), c.RemoveFile(container.RestartingFile))
	if err == nil {
		err = createTask(c, nil, nil)
	}
	if err == nil {
		c.Event("start")
		err = becomeIdle(c)
	}
	return recordFailure(c, err)
}

// ownContainer opens the container of this monitor, which holds its lock.
func ownContainer(root, id string) (*container.Container, error) {
	c, err := container.OpenID(root, id)
	c.LockFile = os.NewFile(dirFD, c.Dir)
	return c, err
}

// afterExit removes a container of --rm. Another one is unlocked, unless its restart
// policy restarts it: then this process sleeps.
func afterExit(c *container.Container, exit *container.ExitStatus) error {
	if c.Settings.Options.Remove {
		c.AwaitWaiters()
		return c.Remove(true)
	}
	pause, restart := container.RestartPause(c.Settings.Restart, exit)
	if !restart {
		return errors.Join(c.RemoveFile(container.MonitorFile), c.Unlock())
	}
	// a command that stops the container either sees this file, or is seen here
	if err := c.WriteFile(container.RestartingFile, nil); err != nil {
		return err
	}
	if c.Has(container.StoppedFile) {
		return errors.Join(c.RemoveFile(container.RestartingFile), c.RemoveFile(container.MonitorFile), c.Unlock())
	}
	return sleepThen(pause, []string{"minictr", "monitor", "--restart", c.ID}, environment(c))
}

// drain writes to the log what is left in the container's pipes. A process outside of
// its pid namespace may keep a pipe open, so end of file is not waited for. Errors are
// ignored: the exit status is worth more than the log.
func drain(c *container.Container) {
	if c.Settings.Options.LogDriver == config.LogNone {
		return
	}
	log, err := logs.OpenWriter(c.Dir, c.Settings.LogMaximum)
	if err != nil {
		return
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
			log.Write(stream, time.Now(), buf[:n])
		}
	}
}

// slowExit is how long a task runs at least for its exit not to count as fast.
const slowExit = 10 * time.Second

// countFastExit counts consecutive fast exits: the first slow one counts as one.
func countFastExit(e *container.ExitStatus) {
	if e.Duration() >= slowExit {
		e.FastExits = 0
	}
	e.FastExits++
}
