package config

import (
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

// Settings are what create decided about a container, beside its config.
type Settings struct {
	Format     int    // of the files in the container's directory
	Name       string // that it was created with: rename leaves it
	Image      string // name, as typed
	Created    time.Time
	Options    Options         // as typed
	Layers     []digest.Digest // diff IDs of the image, the lowest first
	Volumes    []Volume        // that it mounts
	Origin     Origin          // of the config
	StopSignal unix.Signal
	StopWord   string // for the stop signal, as typed or as the image has it
	Restart    RestartPolicy
	Health     *Healthcheck // nil for none
	Labels     map[string]string
	LogMaximum int64             // bytes of a log file
	LogDetails map[string]string // labels and variables of --log-opt, for logs --details
}

// NewSettings parses the flags that the config, spec, does not hold. name is the image's, as
// typed.
func NewSettings(
	o *Options, name string, image *images.Image, spec *specs.Spec, host Host,
) (s Settings, err error) {
	s = Settings{Format: Format, Image: name, Created: time.Now().UTC(), Options: *o, Layers: image.Layers}
	s.Volumes = host.volumes(o, spec)
	if s.StopSignal, s.StopWord, err = StopSignal(o, image.Config); err != nil {
		return s, err
	}
	if err = s.setRestart(); err != nil {
		return s, err
	}
	if s.Health, err = parseHealthcheck(o, image); err != nil {
		return s, err
	}
	if s.Labels, err = mergeLabels(o, image.Config.Config.Labels, host); err != nil {
		return s, err
	}
	if _, err = o.ExposedPorts(nil); err != nil {
		return s, err
	}
	err = s.setLog(spec.Process.Env)
	return s, err
}

// HostUID returns the user ID of the container's process as the host sees it.
func HostUID(spec *specs.Spec) (uint32, error) {
	return compile.HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
}
