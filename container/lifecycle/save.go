package lifecycle

import (
	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// save replaces settings.json and config.json, each atomically. They reach the disk
// (fsync(2)) unless the container is one of --rm. The caller holds the container's lock,
// or that of the file image.
func save(c *container.Container, spec *specs.Spec) error {
	for _, file := range []struct {
		name  string
		value any
	}{{"settings.json", &c.Settings}, {"config.json", spec}} {
		data, err := json.Marshal(file.value)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(c.Path(file.name), data, 0o600, !c.Settings.Options.Remove); err != nil {
			return err
		}
	}
	return nil
}
