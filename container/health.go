package container

import (
	"time"

	"github.com/minictr/minictr/images"
)

// Healthcheck is a command that tells whether the container is well.
type Healthcheck struct {
	Test        []string
	Interval    time.Duration
	Timeout     time.Duration
	StartPeriod time.Duration
	Retries     int
}

// HealthCheck is what the flags of --health-… say.
type HealthCheck struct {
	HealthCmd, HealthInterval, HealthTimeout, HealthStartPeriod string
	HealthRetries                                               int
	NoHealthcheck                                               bool
}

// Health is what the checks have found.
type Health struct {
	Status string
}

func healthcheck(o *Options, image *images.Image) (*Healthcheck, error) { return nil, nil }

func (c *Container) health() (*Health, error) { return nil, nil }

func (c *Container) startHealth() error { return nil }
