package images

import (
	"fmt"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/minictr/minictr/hint"
)

const (
	defaultDomain = "docker.io"
	dockerLibrary = defaultDomain + "/library/"
)

// Normalize completes a name as docker does: "ubuntu" is
// docker.io/library/ubuntu:latest. A name with a digest keeps it.
func Normalize(short string) (string, error) {
	ref, err := name.ParseReference(short, name.WithDefaultRegistry(defaultDomain))
	if err != nil {
		return "", hint.New(fmt.Errorf("parse image name %q: %w", short, err), "an image name looks like ubuntu, ubuntu:24.04 or ghcr.io/owner/name:tag")
	}
	full := ref.Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		full = defaultDomain + "/" + rest
	}
	return full, nil
}

// Familiar is the short form of a complete name, for people.
func Familiar(full string) string {
	if rest, ok := strings.CutPrefix(full, dockerLibrary); ok {
		return rest
	}
	return strings.TrimPrefix(full, defaultDomain+"/")
}

// Split parts a familiar name into repository and tag.
func Split(familiar string) (repository, tag string) {
	if at := strings.IndexByte(familiar, '@'); at >= 0 {
		return familiar[:at], "<none>"
	}
	colon := strings.LastIndexByte(familiar, ':')
	if colon < 0 || strings.Contains(familiar[colon:], "/") {
		return familiar, "latest"
	}
	return familiar[:colon], familiar[colon+1:]
}
