package container

import (
	"errors"
	"io/fs"
	"time"
)

// Health is what the checks have found.
type Health struct {
	Status        string
	FailingStreak int     // failures in a row
	Log           []Check // the last ones, the oldest first
	TaskStarted   time.Time
}

// Check is one check.
type Check struct {
	Start, End time.Time
	ExitCode   int    // -1: it was killed, or could not be started
	Output     string // the beginning of what it said on both streams, or why there is none
}

// The states of health, in docker's words.
const (
	Starting  = "starting"
	Healthy   = "healthy"
	Unhealthy = "unhealthy"
)

// health is what is known of the present life, or of the last one. What has no
// process is not well; and of a life in the foreground nobody knows.
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

// HealthOf reads what was found in a life.
func (c *Container) HealthOf(task time.Time) (*Health, error) {
	h := &Health{}
	err := c.ReadJSON("health.json", h)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !h.TaskStarted.Equal(task) {
		return &Health{Status: Starting, TaskStarted: task}, nil
	}
	if IsCorrupt(err) {
		lost := Check{ExitCode: -1, Output: "what the checks have found is lost: " + err.Error()}
		return &Health{Status: Starting, TaskStarted: task, Log: []Check{lost}}, nil
	}
	return h, err
}
