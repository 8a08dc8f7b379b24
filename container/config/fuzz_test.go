package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/container/volume"
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
			if compile.Binds(m) && !ours && m.Source != anonymousSource(m.Destination) {
				t.Errorf("bind mount %+v", m)
			}
		}
		if _, err := compile.Compile(spec, compile.Options{Cgroup2: "/sys/fs/cgroup", Arch: "amd64"}); err != nil {
			t.Error(err)
		}
	})
}

// anonymousSource is the source of the anonymous volume on target.
func anonymousSource(target string) string {
	return volume.DataPath(testHost().VolumeDir, testHost().anonymousName(target))
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

// FuzzResolver: a word of a flag is one word of one line in /etc/hosts and
// /etc/resolv.conf, or an error.
func FuzzResolver(f *testing.F) {
	f.Add("db:10.0.0.5", "fd00::1", "corp.example", "ndots:2")
	f.Add("a=[::1]", "1.1.1.1\nx", ".", "")
	f.Add("a:1.1.1.1 b", "::ffff:1.2.3.4", "a b", "x;y")
	f.Fuzz(func(t *testing.T, host, dns, search, option string) {
		if lines, err := (&Options{AddHosts: []string{host}}).addedHosts(); err == nil {
			if fields := strings.Fields(string(lines)); len(fields) != 2 || strings.Count(string(lines), "\n") != 1 {
				t.Errorf("--add-host %q: %q", host, lines)
			}
		}
		o := Options{DNS: []string{dns}, DNSSearch: []string{search}, DNSOptions: []string{option}}
		if lines, err := o.resolvConf(nil); err == nil {
			want := "nameserver " + dns + " options " + option
			if search != "." {
				want = "search " + search + " " + want
			}
			if got := strings.Join(strings.Fields(string(lines)), " "); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// FuzzDevice: a device has absolute clean paths and some access, or is an error.
func FuzzDevice(f *testing.F) {
	for _, word := range []string{"/dev/fuse", "/dev/fuse:/dev/f:rw", "/dev/fuse:r", "a:b:c", "/:/:/", ":"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		source, target, access, err := ParseDevice(word)
		if err != nil {
			return
		}
		for _, name := range []string{source, target} {
			if !filepath.IsAbs(name) || filepath.Clean(name) != name || strings.ContainsRune(name, 0) {
				t.Errorf("%q: %q", word, name)
			}
		}
		if !isDeviceAccess(access) {
			t.Errorf("%q: access %q", word, access)
		}
	})
}
