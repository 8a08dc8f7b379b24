package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/compile"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// FuzzEnvFile: a file gives variables that a program can have, or an error.
func FuzzEnvFile(f *testing.F) {
	for _, text := range []string{"A=1\n#B\n  C\r\n", "\ufeffA=\n=\n", "A B=1", "EDITOR\nLANG=x\x00", "A==\nA"} {
		f.Add([]byte(text))
	}
	file := filepath.Join(f.TempDir(), "env")
	f.Fuzz(func(t *testing.T, data []byte) {
		testkit.Check(t, os.WriteFile(file, data, 0o600))
		var env environment
		if testHost().readEnvFile(&env, file) == nil {
			checkEnv(t, env)
		}
	})
}

// FuzzImageConfig: whatever an image says, there is an error, or a config that compiles,
// whose mounts, hooks and annotations are those of any other image.
func FuzzImageConfig(f *testing.F) {
	for _, text := range []string{
		`{"Entrypoint":[""],"Cmd":["sh","-c","x"],"Env":["A","B=","=c"],"User":"ada:video","WorkingDir":"a/../b"}`,
		`{"Cmd":["x"],"Volumes":{"/data":{},"../../etc":{},"/proc/x":{},"":{}},"StopSignal":"SIGRTMIN+3"}`,
		`{"Cmd":["x"],"Labels":{"io.podman.annotations.privileged":"TRUE"},"ExposedPorts":{"80/tcp":{}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var image ocispec.Image
		if json.Unmarshal(data, &image.Config) != nil {
			return
		}
		spec, _, err := Config(&Options{}, image, testFiles(), testHost())
		if err != nil {
			return
		}
		checkEnv(t, spec.Process.Env)
		if spec.Hooks != nil || spec.Annotations != nil || len(spec.Linux.Devices) > 0 {
			t.Errorf("hooks %v, annotations %v, devices %v", spec.Hooks, spec.Annotations, spec.Linux.Devices)
		}
		for _, m := range spec.Mounts {
			ours := filepath.Dir(m.Source) == testHost().FilesDir
			if compile.Binds(m) && !ours && m.Source != compile.RootSource+m.Destination {
				t.Errorf("bind mount %+v", m)
			}
		}
		if _, err := compile.Compile(spec, compile.Options{Cgroup2: "/sys/fs/cgroup", Arch: "amd64"}); err != nil {
			t.Error(err)
		}
	})
}

// checkEnv: each variable is NAME=value, once, and without a NUL byte.
func checkEnv(t *testing.T, env []string) {
	t.Helper()
	var names []string
	for _, word := range env {
		name, _, ok := strings.Cut(word, "=")
		if !ok || name == "" || strings.ContainsRune(word, 0) || slices.Contains(names, name) {
			t.Errorf("variable %q of %q", word, env)
		}
		names = append(names, name)
	}
}
