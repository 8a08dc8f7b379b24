package images

import (
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// DockerConfig has the fields of docker's image config that the OCI config lacks
// (github.com/moby/docker-image-spec). They are untrusted.
type DockerConfig struct {
	Healthcheck *Healthcheck
	Shell       []string // for a command in one string; the default is /bin/sh -c
}

// Healthcheck is a command that is run in a container at intervals and checks its
// health by its exit code. The zero value of a field means that it is not set.
type Healthcheck struct {
	Test          []string // "NONE"; "CMD" and arguments; "CMD-SHELL" and one string
	Interval      time.Duration
	Timeout       time.Duration
	StartPeriod   time.Duration
	StartInterval time.Duration
	Retries       int
}

// A dockerImageConfig is a whole image config.
type dockerImageConfig struct {
	ocispec.Image
	Config struct {
		ocispec.ImageConfig
		DockerConfig
	} `json:"config"`
}
