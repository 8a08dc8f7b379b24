package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Format is the version of the names and contents of the files in a container's
// directory.
const Format = 2

// Settings are what was decided when a container was made, beside its config.
type Settings struct {
	Format     int    // of the files in the container's directory
	Image      string // as it was named
	Created    time.Time
	Options    Options         // what was typed
	Layers     []digest.Digest // of the image, the lowest first, by their diff IDs
	Origin     Origin          // of the config
	StopSignal unix.Signal
	Restart    RestartPolicy
	Health     *Healthcheck // nil for none
	Labels     map[string]string
	LogMaximum int64 // bytes
}

// NewSettings reads the flags that are not the config's.
func NewSettings(o *Options, name string, image *images.Image) (s Settings, err error) {
	s = Settings{Format: Format, Image: name, Created: time.Now().UTC(), Options: *o, Layers: image.Layers}
	if s.StopSignal, err = StopSignal(o, image.Config); err != nil {
		return s, err
	}
	if s.Restart, err = ParseRestart(o.Restart); err != nil {
		return s, err
	}
	if o.Remove && s.Restart.Policy != RestartNo {
		return s, fmt.Errorf("--restart %s: a container of --rm ends once and for all", o.Restart)
	}
	if s.Health, err = parseHealthcheck(o, image); err != nil {
		return s, err
	}
	if s.LogMaximum, err = parseLogOpts(o.LogOpts); err != nil {
		return s, err
	}
	s.Labels, err = mergeLabels(o.Labels, image.Config.Config.Labels)
	return s, err
}

// mergeLabels are the image's and the caller's.
func mergeLabels(words []string, image map[string]string) (map[string]string, error) {
	all := map[string]string{}
	for name, value := range image {
		all[name] = value
	}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if name == "" {
			return nil, fmt.Errorf("--label %q: no name", word)
		}
		all[name] = value
	}
	return all, nil
}

// HostUID is a user of the container's, as the host counts.
func HostUID(spec *specs.Spec) (uint32, error) {
	return compile.HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
}
