package container

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/docker/go-units"
	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/internal/signals"
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// ExitStatus is how a container's task exited.
type ExitStatus struct {
	Tasks     int       // tasks of the container so far, with this one
	Restarts  int       // restarts by the monitor since a command started the container
	FastExits int       // consecutive tasks that exited within 10 seconds, with this one
	Started   time.Time // zero if the process could not be started
	Finished  time.Time

	ExitCode  int         // 0 to 255, as a shell reports it
	Signal    unix.Signal // that killed the process, 0 for none
	OOM       *cgroup.OOM // nil if memory never ran out
	StoppedBy unix.Signal // that a command stopped the container with, 0 for none
	Error     string      // why it could not be started, or why the status is unknown
}

// exitUnknown is the exit code of a task whose status no process waited for; docker's.
const exitUnknown = 255

// NewExitStatus returns the exit status of the present task, from the status of wait(2).
func (c *Container) NewExitStatus(status unix.WaitStatus) *ExitStatus {
	exit := c.NextExitStatus()
	exit.ExitCode = status.ExitStatus()
	if status.Signaled() {
		exit.Signal = status.Signal()
		exit.ExitCode = 128 + int(exit.Signal)
	}
	return exit
}

// NextExitStatus returns the exit status of the present task as far as the kernel and the
// last exit status tell it; the caller adds the cause.
func (c *Container) NextExitStatus() *ExitStatus {
	exit := &ExitStatus{Finished: time.Now().UTC(), StoppedBy: c.StoppedBy()}
	if last, err := c.ExitStatus(); err == nil && last != nil {
		exit.Tasks, exit.Restarts, exit.FastExits = last.Tasks, last.Restarts, last.FastExits
	}
	exit.Tasks++
	task, err := c.Task()
	if err != nil && !IsCorrupt(err) {
		return exit
	}
	exit.Started = task.Record.Created
	if task.Record.Cgroup != "" {
		exit.OOM = cgroup.ReadOOM(task.Record.Cgroup)
	}
	return exit
}

// exitFileSize is the size of exit.json in bytes, padded with blanks.
const exitFileSize = 4096

// ReserveExitStatus writes a file of blanks, which SaveExitStatus overwrites: that needs
// no free block on a disk that is full by then. The caller holds the lock.
func (c *Container) ReserveExitStatus() error {
	return os.WriteFile(c.Path(".exit.json"), bytes.Repeat([]byte(" "), exitFileSize), 0o600)
}

// SaveExitStatus replaces exit.json, in the blocks that were reserved for it. The data
// reaches the disk before the name, so that a power cut leaves the old or the new one.
// The caller holds the lock.
func (c *Container) SaveExitStatus(exit *ExitStatus) error {
	data, err := json.Marshal(exit)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(c.Path(".exit.json"), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(append(data, bytes.Repeat([]byte(" "), max(0, exitFileSize-len(data)))...)); err != nil {
		return err
	}
	if err := unix.Fdatasync(int(file.Fd())); err != nil {
		return fmt.Errorf("fdatasync %s: %w", file.Name(), err)
	}
	return os.Rename(c.Path(".exit.json"), c.Path("exit.json"))
}

// Duration returns how long the task ran.
func (e *ExitStatus) Duration() time.Duration { return e.Finished.Sub(e.Started) }

// ExitStatus reads the exit status of the container's last task, nil if none has exited.
// A corrupt file is an exit status as well, with the code 255.
func (c *Container) ExitStatus() (*ExitStatus, error) {
	exit := &ExitStatus{}
	err := c.ReadJSON("exit.json", exit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if IsCorrupt(err) {
		exit, err = &ExitStatus{Error: "exit status unknown: " + err.Error(), ExitCode: exitUnknown}, nil
		if file, statErr := os.Stat(c.Path("exit.json")); statErr == nil {
			exit.Finished = file.ModTime()
		}
	}
	return exit, err
}

// Describe returns the exit status as a sentence.
func (e *ExitStatus) Describe() string {
	switch {
	case e.Error != "":
		return e.Error
	case e.Signal == unix.SIGKILL && e.OOM != nil:
		return fmt.Sprintf("killed by the kernel: out of memory%s", limit(e.OOM))
	case e.Signal != 0 && e.Signal == e.StoppedBy:
		return fmt.Sprintf("killed by signal %d, %s, sent by minictr", e.Signal, signals.Name(e.Signal))
	case e.Signal != 0:
		return fmt.Sprintf("killed by signal %d, %s", e.Signal, signals.Name(e.Signal))
	case e.OOM != nil:
		return fmt.Sprintf("exited with code %d; out of memory, %d processes killed%s",
			e.ExitCode, e.OOM.Kills, limit(e.OOM))
	case e.ExitCode == 0:
		return "exited with code 0"
	}
	return fmt.Sprintf("exited with code %d", e.ExitCode)
}

// limit says which memory limit was reached.
func limit(oom *cgroup.OOM) string {
	if oom.Limit == 0 {
		return " on this machine"
	}
	return fmt.Sprintf(" at the limit of %s (peak %s)",
		units.BytesSize(float64(oom.Limit)), units.BytesSize(float64(oom.Peak)))
}
