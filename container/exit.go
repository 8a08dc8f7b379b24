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
	"github.com/minictr/minictr/runtime/cgroup"
	"golang.org/x/sys/unix"
)

// ExitStatus is the end of a container's last life.
type ExitStatus struct {
	Tasks     int       // how many there have been
	Restarts  int       // how many of them began by themselves since somebody started it
	FastExits int       // how many of those in a row ended soon, this one too
	Started   time.Time // zero if it could not be started
	Finished  time.Time

	ExitCode  int         // as a shell tells it
	Signal    unix.Signal // that killed it, 0 for none
	OOM       *cgroup.OOM // nil: it never needed more memory than it may have
	StoppedBy unix.Signal // to end, by somebody with this signal; 0 for none
	Error     string      // why it could not be started, or how it was lost
}

// NewExitStatus is the end of the present life, told from what wait(2) said.
func (c *Container) NewExitStatus(status unix.WaitStatus) *ExitStatus {
	exit := c.NextExitStatus()
	exit.ExitCode = status.ExitStatus()
	if status.Signaled() {
		exit.Signal = status.Signal()
		exit.ExitCode = 128 + int(exit.Signal)
	}
	return exit
}

// NextExitStatus is one more than the last one, with what the kernel still knows.
func (c *Container) NextExitStatus() *ExitStatus {
	exit := &ExitStatus{Finished: time.Now().UTC(), StoppedBy: c.StoppedBy()}
	if last, err := c.ExitStatus(); err == nil && last != nil {
		exit.Tasks, exit.Restarts, exit.FastExits = last.Tasks, last.Restarts, last.FastExits
	}
	exit.Tasks++
	task, err := c.Task()
	if err != nil {
		return exit
	}
	exit.Started = task.Record.Created
	if task.Record.Cgroup != "" {
		exit.OOM = cgroup.ReadOOM(task.Record.Cgroup)
	}
	return exit
}

// exitFileSize is how large exit.json is, in bytes: blanks make up for what it holds less.
const exitFileSize = 4096

// ReserveExitStatus makes sure that there will be room for the end, even on a full disk.
func (c *Container) ReserveExitStatus() error {
	return os.WriteFile(c.Path(".exit.json"), bytes.Repeat([]byte(" "), exitFileSize), 0o600)
}

// SaveExitStatus writes it down, into what was reserved for it. It is on the disk before
// it has its name: a power cut leaves the one or the other.
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

// Duration is how long that life was.
func (e *ExitStatus) Duration() time.Duration { return e.Finished.Sub(e.Started) }

// ExitStatus is how the container's last life ended, nil if none has yet. That nobody can
// read it any more is an end, too.
func (c *Container) ExitStatus() (*ExitStatus, error) {
	exit := &ExitStatus{}
	err := c.ReadJSON("exit.json", exit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if IsCorrupt(err) {
		exit, err = &ExitStatus{Error: "how it ended is not known: " + err.Error(), ExitCode: exitLost}, nil
		if file, statErr := os.Stat(c.Path("exit.json")); statErr == nil {
			exit.Finished = file.ModTime()
		}
	}
	return exit, err
}

// Describe tells it in words.
func (e *ExitStatus) Describe() string {
	switch {
	case e.Error != "":
		return e.Error
	case e.Signal == unix.SIGKILL && e.OOM != nil:
		return fmt.Sprintf("killed by the kernel: out of memory%s", limit(e.OOM))
	case e.Signal != 0 && e.Signal == e.StoppedBy:
		return fmt.Sprintf("stopped with %s", unix.SignalName(e.Signal))
	case e.Signal != 0:
		return fmt.Sprintf("killed by signal %d, %s", e.Signal, unix.SignalName(e.Signal))
	case e.OOM != nil:
		return fmt.Sprintf("exited with code %d; %d of its processes were killed for memory%s", e.ExitCode, e.OOM.Kills, limit(e.OOM))
	case e.ExitCode == 0:
		return "exited with code 0"
	}
	return fmt.Sprintf("exited with code %d", e.ExitCode)
}

func limit(oom *cgroup.OOM) string {
	if oom.Limit == 0 {
		return ": the machine had no more"
	}
	return fmt.Sprintf(" at the limit of %s (peak %s)", units.BytesSize(float64(oom.Limit)), units.BytesSize(float64(oom.Peak)))
}
