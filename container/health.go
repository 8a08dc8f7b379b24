package container

// What the checks of a container's health have found: health.json. Docker's rules:
// it is "starting" until a check has succeeded or too many have failed; one success
// makes it "healthy", some failures in a row "unhealthy". In the start period no
// failure counts, up to the first success.
//
// The file says of which life it speaks. A life of which it does not is starting.

import (
	"errors"
	"io/fs"
	"time"

	"github.com/go-json-experiment/json"
)

// Health is what the checks have found.
type Health struct {
	Status        string
	FailingStreak int     // failures in a row
	Log           []Check // the last ones, the oldest first
	Life          time.Time
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

// checksKept is how many checks are kept; docker's.
const checksKept = 5

// health is what is known of the present life, or of the last one. What has no
// process is not well; and of a life in the foreground nobody knows.
func (c *Container) health(s *State) (*Health, error) {
	if s.Status == Created || s.Lives() && !c.watched() {
		return nil, nil
	}
	h, err := c.healthOf(s.Started)
	if err == nil && !s.Lives() {
		h.Status = Unhealthy
	}
	return h, err
}

// healthOf reads what was found in a life.
func (c *Container) healthOf(life time.Time) (*Health, error) {
	h := &Health{}
	err := c.read("health.json", h)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !h.Life.Equal(life) {
		return &Health{Status: Starting, Life: life}, nil
	}
	if isTorn(err) {
		lost := Check{ExitCode: -1, Output: "what the checks have found is lost: " + err.Error()}
		return &Health{Status: Starting, Life: life, Log: []Check{lost}}, nil
	}
	return h, err
}

func (c *Container) saveHealth(h *Health) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return c.replace("health.json", data)
}

// add adds a check to what is known.
func (h *Health) add(rules *Healthcheck, check Check) {
	h.Log = append(h.Log, check)
	h.Log = h.Log[max(0, len(h.Log)-checksKept):]
	if check.ExitCode == 0 {
		h.Status, h.FailingStreak = Healthy, 0
		return
	}
	if h.Status == Starting && check.Start.Sub(h.Life) < time.Duration(rules.StartPeriod) {
		return
	}
	h.FailingStreak++
	if h.FailingStreak >= rules.Retries {
		h.Status = Unhealthy
	}
}

// pause is how long to wait for the next check.
func (h *Health) pause(rules *Healthcheck, now time.Time) time.Duration {
	if h.Status == Starting && now.Sub(h.Life) < time.Duration(rules.StartPeriod) {
		return time.Duration(rules.StartInterval)
	}
	return time.Duration(rules.Interval)
}
