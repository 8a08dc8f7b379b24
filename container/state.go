package container

import (
	"errors"
	"time"

	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Status is what a container is doing, in docker's words.
type Status string

// They are asked of the kernel each time, but for the last one; no file says so.
const (
	Created    Status = "created"    // it has not lived yet
	Running    Status = "running"    // its process runs
	Paused     Status = "paused"     // its process is frozen
	Restarting Status = "restarting" // its watcher is about to begin again
	Exited     Status = "exited"     // its last life has ended
	Dead       Status = "dead"       // nobody can read what it is: it can be removed
)

// State is what is true of a container at one moment.
type State struct {
	Status     Status
	Pid        int         // of its process on the host, 0 without one
	Started    time.Time   // when its present or last life began
	Cgroup     string      // folder, "" for none
	ExitStatus *ExitStatus // of its last life, nil for none; also while it runs again
	Health     *Health     // nil without a check
}

// Tasks tells whether the container has a process.
func (s *State) Active() bool { return s.Status == Running || s.Status == Paused }

// State asks what is true of the container: its life before its end, for that is
// written down before the life is removed.
func (c *Container) State() (s State, err error) {
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
	switch {
	case s.Active():
	case s.ExitStatus == nil:
		s.Status = Created
	default:
		s.Status, s.Started = Exited, s.ExitStatus.Started
		if c.isRestarting(s.ExitStatus) {
			s.Status = Restarting
		}
	}
	if c.Settings.Health != nil {
		s.Health, err = c.health(&s)
	}
	return s, err
}

// createTask adds what a life tells.
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
	default: // being made, or ending at this moment
		return nil
	}
	s.Pid, s.Started, s.Cgroup = task.Record.Pid, task.Record.Created, task.Record.Cgroup
	return nil
}

// isRestarting tells whether the container, which has ended so, is between two lives.
func (c *Container) isRestarting(exit *ExitStatus) bool {
	_, again := RestartPause(c.Settings.Restart, exit)
	return again && c.Monitored()
}
