package container

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Settings are what was decided when a container was made, beside its config.
type Settings struct {
	Image      string // as it was named
	Created    time.Time
	Options    Options         // what was typed
	Layers     []digest.Digest // of the image, the lowest first, by their diff IDs
	StopSignal unix.Signal
	Restart    Restart
	Health     *Healthcheck // nil for none
	Labels     map[string]string
	LogMaximum int64 // bytes
}

// newSettings reads the flags that are not the config's.
func newSettings(o *Options, name string, image *images.Image) (s Settings, err error) {
	s = Settings{Image: name, Created: time.Now().UTC(), Options: *o, Layers: image.Layers}
	if s.StopSignal, err = StopSignal(o, image.Config); err != nil {
		return s, err
	}
	if s.Restart, err = parseRestart(o.Restart); err != nil {
		return s, err
	}
	if o.Remove && s.Restart.Policy != RestartNo {
		return s, fmt.Errorf("--restart %s: a container of --rm ends once and for all", o.Restart)
	}
	if s.Health, err = healthcheck(o, image); err != nil {
		return s, err
	}
	if s.LogMaximum, err = logMaximum(o.LogOpts); err != nil {
		return s, err
	}
	s.Labels, err = labels(o.Labels, image.Config.Config.Labels)
	return s, err
}

// save writes down what the container is.
func (c *Container) save(spec *specs.Spec) error {
	settings, err := json.Marshal(&c.Settings)
	if err != nil {
		return err
	}
	if err := c.writeDurable("settings.json", settings); err != nil {
		return err
	}
	return c.saveConfig(spec)
}

func (c *Container) saveConfig(spec *specs.Spec) error {
	config, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return c.writeDurable("config.json", config)
}

// Spec is the container's OCI config.
func (c *Container) Spec() (*specs.Spec, error) {
	spec := &specs.Spec{}
	return spec, c.read("config.json", spec)
}

// read reads a JSON file of the folder. The error is a torn one if that is not what
// it is.
func (c *Container) read(name string, to any) error {
	data, err := os.ReadFile(c.path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return c.torn(fmt.Errorf("read %s: %w", c.path(name), err))
	}
	return nil
}

// torn is the error of a file that nobody has written so: there was a power cut, or
// the disk is broken.
type torn struct{ error }

func (c *Container) torn(err error) error {
	return hint.New(torn{err}, "remove the container with: minictr rm -f "+c.ID)
}

func isTorn(err error) bool {
	var t torn
	return errors.As(err, &t)
}

// labels are the image's and the caller's.
func labels(words []string, image map[string]string) (map[string]string, error) {
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

// manifest is the digest of the image's manifest.
func (c *Container) manifest() (string, error) {
	data, err := os.ReadFile(c.path("image"))
	return strings.TrimSpace(string(data)), err
}

// hostUID is a user of the container's, as the host counts.
func hostUID(spec *specs.Spec) (uint32, error) {
	return compile.HostID(spec.Process.User.UID, spec.Linux.UIDMappings)
}
