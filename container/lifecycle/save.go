package lifecycle

import (
	"errors"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// keep does so with one that a power cut must not tear, unless all of it goes with
// its process.
func keep(c *container.Container, name string, data []byte) error {
	if c.Settings.Options.Remove {
		return c.Replace(name, data)
	}
	part := c.Path("." + name)
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(part, c.Path(name))
}

// save writes down what the container is.
func save(c *container.Container, spec *specs.Spec) error {
	settings, err := json.Marshal(&c.Settings)
	if err != nil {
		return err
	}
	if err := keep(c, "settings.json", settings); err != nil {
		return err
	}
	return saveConfig(c, spec)
}

func saveConfig(c *container.Container, spec *specs.Spec) error {
	config, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return keep(c, "config.json", config)
}
