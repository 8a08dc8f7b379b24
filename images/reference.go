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
	if err == nil {
		err = checkRepository(ref.Context())
	}
	if err != nil {
		return "", hint.New(fmt.Errorf("parse image name %q: %w", short, err), "an image name looks like ubuntu, ubuntu:24.04 or ghcr.io/owner/name:tag")
	}
	full := ref.Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		full = defaultDomain + "/" + rest
	}
	return full, nil
}

// checkRepository adds the rules of the distribution-spec that the library
// leaves out: each part of the path begins and ends with a letter or a digit,
// and a registry's name is no "..".
func checkRepository(r name.Repository) error {
	const edges = "abcdefghijklmnopqrstuvwxyz0123456789"
	registry := r.RegistryStr()
	if strings.Trim(registry, ".-") != registry || strings.ContainsFunc(registry, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("%q is not a registry", registry)
	}
	for part := range strings.SplitSeq(r.RepositoryStr(), "/") {
		if part == "" || !strings.Contains(edges, part[:1]) || !strings.Contains(edges, part[len(part)-1:]) {
			return fmt.Errorf("%q is not a part of a name", part)
		}
	}
	return nil
}

// Familiar is the shortest form of a complete name that docker's users know:
// the one that Normalize leads back from.
func Familiar(full string) string {
	for _, prefix := range []string{dockerLibrary, defaultDomain + "/"} {
		if rest, ok := strings.CutPrefix(full, prefix); ok {
			if again, err := Normalize(rest); err == nil && again == full {
				return rest
			}
		}
	}
	return full
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
