package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// MaxConfig is how large a config may be, in bytes.
const MaxConfig = 16 << 20

// ConfigFile reads the file of a config, of at most MaxConfig bytes. A file that is not
// regular, as a FIFO that would block, is an error.
func ConfigFile(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("read %s: not a regular file", path), err)
	}
	return readConfig(f, info.Size())
}

// readConfig reads a config of about size bytes.
func readConfig(r io.Reader, size int64) ([]byte, error) {
	var data bytes.Buffer
	data.Grow(int(min(size, MaxConfig)) + bytes.MinRead)
	_, err := data.ReadFrom(io.LimitReader(r, MaxConfig+1))
	if err == nil && data.Len() > MaxConfig {
		err = fmt.Errorf("larger than %d MiB", MaxConfig>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return data.Bytes(), nil
}

// ReadConfig reads a config.json and parses it, as ParseConfig does.
func ReadConfig(r io.Reader, bundle string) (*specs.Spec, error) {
	data, err := readConfig(r, 0)
	if err != nil {
		return nil, err
	}
	return ParseConfig(data, bundle)
}

// ParseConfig parses a config.json. A duplicate name in it is an error: two readers might
// each take another of the two. A relative root.path, or source of a bind mount, starts
// from bundle, the directory that holds the config (runtime-spec, bundle.md, config.md). A
// destination that begins with root.path is what follows it, as for runc.
func ParseConfig(data []byte, bundle string) (*specs.Spec, error) {
	spec := &specs.Spec{}
	err := json.Unmarshal(data, spec)
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	if bundle, err = filepath.Abs(bundle); err != nil {
		return nil, err
	}
	if spec.Root != nil && spec.Root.Path != "" && !filepath.IsAbs(spec.Root.Path) {
		spec.Root.Path = filepath.Join(bundle, spec.Root.Path)
	}
	rootPath := "/"
	if spec.Root != nil {
		rootPath = filepath.Clean(spec.Root.Path)
	}
	for i := range spec.Mounts {
		m := &spec.Mounts[i]
		if compile.Binds(*m) && m.Source != "" && !filepath.IsAbs(m.Source) &&
			!strings.HasPrefix(m.Source, compile.RootSource) {
			m.Source = filepath.Join(bundle, m.Source)
		}
		if below, ok := strings.CutPrefix(filepath.Clean(m.Destination), rootPath+"/"); ok {
			m.Destination = "/" + below
		}
	}
	return spec, nil
}

// ExecExitCode returns the exit code of shells and docker for a program that could not
// be started: 127 if it does not exist, 126 if it cannot be executed. For any other
// error ok is false.
func ExecExitCode(err error) (code int, ok bool) {
	const notFound, notExecutable = 127, 126
	var e *walk.Error
	if !errors.As(err, &e) || !e.Exec() {
		return 0, false
	}
	if e.Errno == unix.ENOENT {
		return notFound, true
	}
	return notExecutable, true
}
