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

// Normalize completes a name as docker does: "ubuntu" becomes
// docker.io/library/ubuntu:latest. A digest in the name stays.
func Normalize(short string) (string, error) {
	ref, err := name.ParseReference(short, name.WithDefaultRegistry(defaultDomain))
	if err == nil {
		err = checkRepository(ref.Context())
	}
	if err != nil {
		if lower := lowerCase(short); lower != short {
			return "", hint.New(fmt.Errorf("image name %q: repository names are in lower case", short), "write "+lower)
		}
		err = fmt.Errorf("parse image name %q: %w", short, err)
		return "", hint.New(err, "write NAME[:TAG], as in ubuntu, ubuntu:24.04 or ghcr.io/owner/name:tag")
	}
	full := ref.Name()
	if rest, ok := strings.CutPrefix(full, name.DefaultRegistry+"/"); ok {
		full = defaultDomain + "/" + rest
	}
	return full, nil
}

// lowerCase returns the name with its repository in lower case, if that makes it
// valid. A tag may have upper-case letters.
func lowerCase(short string) string {
	repository, _, _ := strings.Cut(short, "@")
	end := len(repository)
	if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
		end = colon
	}
	lower := strings.ToLower(short[:end]) + short[end:]
	if lower == short {
		return short
	}
	if _, err := Normalize(lower); err != nil {
		return short
	}
	return lower
}

// checkRepository checks the rules of the distribution-spec ("Pulling manifests")
// that the library does not: each component of the path begins and ends with a
// letter or digit, and the name of a registry with neither "." nor "-".
func checkRepository(r name.Repository) error {
	const edges = "abcdefghijklmnopqrstuvwxyz0123456789"
	registry := r.RegistryStr()
	unprintable := func(c rune) bool { return c <= ' ' || c > '~' }
	if strings.Trim(registry, ".-") != registry || strings.ContainsFunc(registry, unprintable) {
		return fmt.Errorf("%q is not a valid registry", registry)
	}
	for part := range strings.SplitSeq(r.RepositoryStr(), "/") {
		if part == "" || !strings.Contains(edges, part[:1]) || !strings.Contains(edges, part[len(part)-1:]) {
			return fmt.Errorf("%q is not a valid path component", part)
		}
	}
	return nil
}

// Familiar returns the shortest form of a complete name, as docker prints it.
// Normalize is its inverse.
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

// Split splits a familiar name into repository and tag. The tag of a name with a
// digest is "<none>".
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
