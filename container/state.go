package container

import (
	"errors"
	"time"

	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Status is a container's status, in docker's words.
type Status string

// The status is read from the kernel each time, but for Dead: no file holds it.
const (
	Created    Status = "created"    // it was never started
	Running    Status = "running"    // its process runs
	Paused     Status = "paused"     // its process is frozen
	Restarting Status = "restarting" // its monitor waits before a restart
	Exited     Status = "exited"     // its last task exited
	Dead       Status = "dead"       // its files cannot be read: it can only be removed
)

// State is what is true of a container at one moment.
type State struct {
	Status     Status
	Pid        int         // of its process on the host, 0 for none
	Started    time.Time   // when its present or last task started
	Cgroup     string      // absolute path of its cgroup, "" for none
	ExitStatus *ExitStatus // of its last task, nil for none; kept while the next one runs
	Health     *Health     // nil without a health check
}

// Active reports whether the container has a process.
func (s *State) Active() bool { return s.Status == Running || s.Status == Paused }

// State reads the container's state. It needs no lock: the task is read before the exit
// status, which is saved before the task is deleted.
func (c *Container) State() (s State, err error) {
	// read task and exit status
	task, err := c.Task()
	if err == nil {
		err = s.addTask(task)
	}
	if err != nil && !errors.Is(err, state.ErrNotExist) {
		return s, err
	}
	if s.ExitStatus, err = c.ExitStatus(); err != nil {
		return s, err
	}
	// a container without a process has its last task's status
	switch {
	case s.Active():
	case s.ExitStatus == nil:
		s.Status = Created
	default:
		s.Status, s.Started = Exited, s.ExitStatus.Started
		if _, restart := RestartPause(c.Settings.Restart, s.ExitStatus); restart && c.Monitored() {
			s.Status = Restarting
		}
	}
	if c.Settings.Health != nil {
		s.Health, err = c.health(&s)
	}
	return s, err
}

// addTask adds what is true of the task.
func (s *State) addTask(task *state.Dir) error {
	status, err := task.Status()
	if err != nil {
		return err
	}
	switch status {
	case specs.StateRunning:
		s.Status = Running
	case state.Paused:
		s.Status = Paused
	default: // being created, or exiting
		return nil
	}
	s.Pid, s.Started, s.Cgroup = task.Record.Pid, task.Record.Created, task.Record.Cgroup
	return nil
}
