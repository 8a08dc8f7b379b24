package lifecycle

import (
	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// writeDurable writes a file in one step, with fsync(2), which --rm does without.
func writeDurable(c *container.Container, name string, data []byte) error {
	return atomicfile.Write(c.Path(name), data, 0o600, !c.Settings.Options.Remove)
}

// save writes down what the container is.
func save(c *container.Container, spec *specs.Spec) error {
	settings, err := json.Marshal(&c.Settings)
	if err != nil {
		return err
	}
	if err := writeDurable(c, "settings.json", settings); err != nil {
		return err
	}
	return saveConfig(c, spec)
}

func saveConfig(c *container.Container, spec *specs.Spec) error {
	config, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return writeDurable(c, "config.json", config)
}
