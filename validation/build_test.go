package validation

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

const suite = "github.com/opencontainers/runtime-tools"

// build compiles the programs into a folder, with what they want to find
// there: runtimetest, which looks around in a container, and its root.
func build(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := execute("programs", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", dir, suite+"/validation/...", suite+"/cmd/runtimetest"); err != nil {
		return err
	}
	module, err := execute("programs", "go", "list", "-m", "-f", "{{.Dir}}", suite)
	if err != nil {
		return err
	}
	const root = "rootfs-amd64.tar.gz"
	archive, err := os.Open(filepath.Join(module, root))
	if err != nil {
		return err
	}
	defer archive.Close()
	tar, err := gzip.NewReader(archive) // not every tar finds out by itself that it is compressed
	if err != nil {
		return err
	}
	data, err := io.ReadAll(tar)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, root), data, 0o644)
}

// programs lists those that build has made.
func programs(dir string) ([]string, error) {
	list, err := os.ReadDir(dir)
	var names []string
	for _, f := range list {
		if filepath.Ext(f.Name()) == "" && f.Name() != "runtimetest" {
			names = append(names, f.Name())
		}
	}
	slices.Sort(names)
	return names, err
}

// execute runs a command in a folder and returns what it printed, without the last
// newline.
func execute(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, stderr.Bytes())
	}
	return string(bytes.TrimSuffix(out, []byte("\n"))), nil
}
