package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "write testdata anew")

// testHost is a machine whose facts are fixed.
func testHost() Host {
	return Host{
		ID:              "0123456789abcdef0123456789abcdef",
		FilesDir:        "/run/minictr/0123456789ab",
		VolumeDir:       "/store/volumes",
		Arch:            "amd64",
		Hostname:        "laptop",
		Dir:             "/home/ada/project",
		Environ:         []string{"LANG=C.UTF-8", "EDITOR=vi"},
		Controllers:     []string{"cpu", "memory", "pids"},
		CPUs:            "0,2-5",
		Nodes:           "0",
		Capabilities:    1<<len(allCapabilities) - 1,
		ThermalThrottle: []string{"/sys/devices/system/cpu/cpu0/thermal_throttle"},
		Mounts:          []Mount{{Path: "/", Shared: true}, {Path: "/proc"}, {Path: "/proc/sys", Slave: true}},
		Init:            "/usr/bin/tini-static",
		Devices:         []specs.LinuxDevice{{Path: "/dev/kvm", Type: "c", Major: 10, Minor: 232}},
	}
}

func testImage() ocispec.Image {
	return ocispec.Image{Config: ocispec.ImageConfig{
		Env:        []string{"PATH=/bin", "GREETING=hello"},
		Entrypoint: []string{"/bin/sh"},
		Cmd:        []string{"-c", "echo $GREETING"},
	}}
}

// testFiles is an image's root: the IDs of ada are hers alone, and "1001" is a name that
// looks like an ID.
func testFiles() fstest.MapFS {
	return fstest.MapFS{
		"etc/passwd": {Data: []byte("root:x:0:0:root:/root:/bin/sh\n" +
			"ada:x:1000:100:Ada:/home/ada:/bin/sh\n" +
			"1001:x:0:0:trap:/root:/bin/sh\n" +
			"wrap:x:4294967296:0::/:/bin/sh\n" +
			"minus:x:-1:0::/:/bin/sh\n" +
			"word:x:zero:0::/:/bin/sh\n" +
			"# a comment\nshort:x:1\n")},
		"etc/group": {Data: []byte("root:x:0:\nusers:x:100:\nwheel:x:10:root,ada\nvideo:x:44:ada\n1002:x:0:ada\n")},
	}
}

func testConfig(t *testing.T, o Options) (*specs.Spec, error) {
	t.Helper()
	spec, _, err := Config(&o, testImage(), testFiles(), testHost())
	return spec, err
}

func mustConfig(t *testing.T, o Options) *specs.Spec {
	t.Helper()
	spec, err := testConfig(t, o)
	testkit.Check(t, err)
	return spec
}

// TestGolden compares whole configs with testdata. The seccomp profile is
// another package's, and as long as all else, so it is cut to its default.
func TestGolden(t *testing.T) {
	for name, o := range map[string]Options{
		"default": {},
		"user": {User: "ada", Workdir: "/src", TTY: true, Init: true, Hostname: "web",
			Env: []string{"LANG", "GREETING=good day", "NEW="}, Command: []string{"-l"}},
		"mounts": {ReadOnly: true, Tmpfs: []string{"/run:size=16m,exec", "/dev/shm:size=1g"},
			Volumes: []string{"./src:/src", "/srv:/srv:ro,rslave", "/scratch"},
			Mounts:  []string{"type=bind,source=/etc/timezone,target=/etc/timezone,readonly"}},
		"limits": {Limits: Limits{Memory: "256m", MemoryReservation: "64m", CPUs: "1.5", CPUShares: new(uint64(512)),
			CpusetCPUs: "0,2-3",
			PidsLimit:  new(int64(-1)), BlkioWeight: new(uint64(300)), HugetlbLimits: []string{"2m:8m"},
			CgroupConf: []string{"memory.high=192m"}},
			Ulimits: []string{"nofile=1024:4096", "core=-1"}, Sysctls: []string{"net.ipv4.ip_forward=1"}},
		"host":       {Network: "host", PID: "host", IPC: "host", UTS: "host"},
		"userns":     {Userns: "0:100000:5,6:100006:65530"},
		"privileged": {Privileged: true},
	} {
		t.Run(name, func(t *testing.T) {
			spec := mustConfig(t, o)
			if spec.Linux.Seccomp != nil {
				spec.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: spec.Linux.Seccomp.DefaultAction}
			}
			got, err := json.MarshalIndent(spec, "", "\t")
			testkit.Check(t, err)
			file := filepath.Join("testdata", name+".json")
			if *update {
				testkit.Check(t, os.WriteFile(file, append(got, '\n'), 0o644))
			}
			if want := testkit.ReadFile(t, file); string(got) != strings.TrimSuffix(want, "\n") {
				t.Errorf("config differs from %s; run go test -update and look at git diff\n%s", file, got)
			}
		})
	}
}

// TestDeterministic: image volumes come from a map, whose order is never twice
// the same.
func TestDeterministic(t *testing.T) {
	image := testImage()
	image.Config.Volumes = map[string]struct{}{"/c": {}, "/a": {}, "/b": {}, "d/../e": {}}
	var first string
	for range 20 {
		spec, _, err := Config(&Options{}, image, testFiles(), testHost())
		testkit.Check(t, err)
		order := fmt.Sprint(spec.Mounts)
		if first == "" {
			first = order
		}
		testkit.Equal(t, "mounts", order, first)
	}
}
