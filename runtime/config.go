package runtime

import (
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
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("read %s: not a regular file", path), err)
	}
	return readConfig(f)
}

func readConfig(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxConfig+1))
	if err == nil && len(data) > MaxConfig {
		err = fmt.Errorf("larger than %d MiB", MaxConfig>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("read config: %w", err)
	}
	return data, nil
}

// ReadConfig reads a config.json. A duplicate name in it is an error: two readers might
// each take another of the two. A relative root.path, or source of a bind mount, starts
// from bundle, the directory that holds the config (runtime-spec, bundle.md, config.md). A
// destination that begins with root.path is what follows it, as for runc.
func ReadConfig(r io.Reader, bundle string) (*specs.Spec, error) {
	data, err := readConfig(r)
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{}
	if err := json.Unmarshal(data, spec); err != nil {
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
