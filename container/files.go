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

// Path returns the path of a file in the container's directory.
func (c *Container) Path(name string) string { return filepath.Join(c.Dir, name) }

// Has reports whether a file exists.
func (c *Container) Has(name string) bool {
	_, err := os.Lstat(c.Path(name))
	return err == nil
}

// WriteFile writes a file that processes with other user IDs may read.
func (c *Container) WriteFile(name string, data []byte) error {
	return os.WriteFile(c.Path(name), data, 0o644)
}

// ReplaceFile writes a private file atomically, without fsync(2).
func (c *Container) ReplaceFile(name string, data []byte) error {
	return atomicfile.Write(c.Path(name), data, 0o600, false)
}

// RemoveFile removes a file if it exists.
func (c *Container) RemoveFile(name string) error {
	if err := os.Remove(c.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ReadJSON decodes a JSON file. For content that is not JSON of that type, IsCorrupt
// holds for the error.
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

// Spec reads the container's OCI config. It has the parts that create always writes:
// a process with arguments, a root, and resources.
func (c *Container) Spec() (*specs.Spec, error) {
	spec := &specs.Spec{}
	if err := c.ReadJSON("config.json", spec); err != nil {
		return nil, err
	}
	p, l := spec.Process, spec.Linux
	if p == nil || len(p.Args) == 0 || spec.Root == nil || l == nil || l.Resources == nil {
		return nil, c.corrupt(fmt.Errorf("read %s: process, root or linux.resources is missing", c.Path("config.json")))
	}
	return spec, nil
}
