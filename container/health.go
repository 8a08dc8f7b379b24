package container

// The rules of health are docker's. A task is starting at first. One successful check makes
// it healthy, as many consecutive failures as config.Healthcheck.Retries make it unhealthy.
// In the start period failures do not count, up to the first success. health.json names
// the task that it is about; any other task is starting.

import (
	"errors"
	"io/fs"
	"time"
)

// Health is the result of the health checks of one task.
type Health struct {
	Status        string    // Starting, Healthy or Unhealthy
	FailingStreak int       // consecutive failures
	Log           []Check   // the last checks, the oldest first
	TaskStarted   time.Time // identifies the task
}

// Check is the result of one health check.
type Check struct {
	Start, End time.Time
	ExitCode   int    // -1 if the check was killed, or could not be started
	Output     string // the beginning of its standard output and error, or why there is none
}

// The states of health, in docker's words.
const (
	Starting  = "starting"
	Healthy   = "healthy"
	Unhealthy = "unhealthy"
)

// health returns the health of the present task, or of the last one. A container
// without a process is unhealthy; one that runs without a monitor is not checked.
func (c *Container) health(s *State) (*Health, error) {
	if s.Status == Created || s.Active() && !c.Monitored() {
		return nil, nil
	}
	h, err := c.HealthOf(s.Started)
	if err == nil && !s.Active() {
		h.Status = Unhealthy
	}
	return h, err
}

// HealthOf reads the health of the task that started at this time.
func (c *Container) HealthOf(started time.Time) (*Health, error) {
	h := &Health{}
	err := c.ReadJSON("health.json", h)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !h.TaskStarted.Equal(started) {
		return &Health{Status: Starting, TaskStarted: started}, nil
	}
	if IsCorrupt(err) {
		unknown := Check{ExitCode: -1, Output: "earlier results unknown: " + err.Error()}
		return &Health{Status: Starting, TaskStarted: started, Log: []Check{unknown}}, nil
	}
	return h, err
}
