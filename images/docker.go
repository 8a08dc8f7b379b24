package images

import (
	"encoding/json"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// DockerConfig has the fields of docker's image config that the OCI config lacks
// (github.com/moby/docker-image-spec). They are untrusted.
type DockerConfig struct {
	Healthcheck *Healthcheck `json:",omitempty"`
	OnBuild     []string     `json:",omitempty"` // instructions for images that are built on this one
	Shell       []string     `json:",omitempty"` // for a command in one string; the default is /bin/sh -c
}

// Healthcheck is a command that is run in a container at intervals and checks its
// health by its exit code. The zero value of a field means that it is not set.
type Healthcheck struct {
	Test          []string      `json:",omitempty"` // "NONE"; "CMD" and arguments; "CMD-SHELL" and one string
	Interval      time.Duration `json:",omitempty"`
	Timeout       time.Duration `json:",omitempty"`
	StartPeriod   time.Duration `json:",omitempty"`
	StartInterval time.Duration `json:",omitempty"`
	Retries       int           `json:",omitempty"`
}

// A dockerImageConfig is a whole image config.
type dockerImageConfig struct {
	ocispec.Image
	Config runConfig `json:"config"`
}

// A runConfig is the part of it that says how to run the image.
type runConfig struct {
	ocispec.ImageConfig
	DockerConfig
}

// A commandLine is a list of words. One string is a list of one word, as docker reads it
// in the configs of old images (moby, api/types/strslice).
type commandLine []string

// UnmarshalJSON reads a list or a string.
func (c *commandLine) UnmarshalJSON(data []byte) error {
	if data[0] != '"' {
		return json.Unmarshal(data, (*[]string)(c))
	}
	*c = make(commandLine, 1)
	return json.Unmarshal(data, &(*c)[0])
}
