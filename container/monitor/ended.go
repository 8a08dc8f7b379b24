package monitor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/runtime"
	"golang.org/x/sys/unix"
)

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
