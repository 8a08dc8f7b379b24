package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/internal/atomicfile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (c *Container) Path(name string) string { return filepath.Join(c.Dir, name) }

// WriteFile writes a file that others of the container's namespaces may read.
func (c *Container) WriteFile(name string, data []byte) error {
	return os.WriteFile(c.Path(name), data, 0o644)
}

// ReplaceFile writes a file in one step.
func (c *Container) ReplaceFile(name string, data []byte) error {
	return atomicfile.Write(c.Path(name), data, 0o600, false)
}

// Has tells whether there is a file of this name.
func (c *Container) Has(name string) bool {
	_, err := os.Lstat(c.Path(name))
	return err == nil
}

// RemoveFile removes a file, if it is there.
func (c *Container) RemoveFile(name string) error {
	if err := os.Remove(c.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Spec is the container's OCI config.
func (c *Container) Spec() (*specs.Spec, error) {
	spec := &specs.Spec{}
	return spec, c.ReadJSON("config.json", spec)
}

// ReadJSON reads a JSON file of the folder. The error is a torn one if that is not what
// it is.
func (c *Container) ReadJSON(name string, to any) error {
	data, err := os.ReadFile(c.Path(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return c.corrupt(fmt.Errorf("read %s: %w", c.Path(name), err))
	}
	return nil
}
