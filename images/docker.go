package images

import (
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// DockerConfig is what docker's images say and the OCI's config has no words for
// (github.com/moby/docker-image-spec). It is as the image has it: a stranger's.
type DockerConfig struct {
	Healthcheck *Healthcheck
	Shell       []string // that runs a command which is one string; docker's default is /bin/sh -c
}

// Healthcheck is a command to run in a container every so often, which tells by
// its exit code whether all is well. What is zero is not said.
type Healthcheck struct {
	Test          []string // NONE; CMD and words; CMD-SHELL and one string
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// config is the whole document.
type dockerImageConfig struct {
	ocispec.Image
	Config struct {
		ocispec.ImageConfig
		DockerConfig
	} `json:"config"`
}
