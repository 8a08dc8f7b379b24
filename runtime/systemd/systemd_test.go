package systemd

import (
	"fmt"
	"strings"
	"testing"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestParsePath(t *testing.T) {
	for _, c := range []struct{ cgroupsPath, path string }{
		{"", "/system.slice/minictr-ID.scope"},
		{"system.slice:docker:0123", "/system.slice/docker-0123.scope"},
		{":libpod:0123", "/system.slice/libpod-0123.scope"},
		{"machine-libpod_pod_1.slice:libpod:0123", "/machine.slice/machine-libpod_pod_1.slice/libpod-0123.scope"},
		{"a-b-c.slice:p:n", "/a.slice/a-b.slice/a-b-c.slice/p-n.scope"},
		{"-.slice:p:n", "/p-n.scope"},
	} {
		s, err := ParsePath(c.cgroupsPath, "ID")
		testkit.Check(t, err)
		testkit.Equal(t, c.cgroupsPath, s.Path(), c.path)
	}
}

func TestPathsRefused(t *testing.T) {
	for cgroupsPath, want := range map[string]string{
		"/a/b":                   `format "slice:prefix:name"`,
		"a:b":                    `format "slice:prefix:name"`,
		"a:b:c:d":                `format "slice:prefix:name"`,
		"system:p:n":             "not the name of a slice",
		".slice:p:n":             "not the name of a slice",
		"a--b.slice:p:n":         "not the name of a slice",
		"-a.slice:p:n":           "not the name of a slice",
		"../x.slice:p:n":         "not the name of a slice",
		"system.slice:p:":        "not the name of a scope",
		"system.slice:p:../../n": "not the name of a scope",
		"system.slice:p:" + strings.Repeat("n", 300): "not the name of a scope",
	} {
		_, err := ParsePath(cgroupsPath, "ID")
		testkit.WantError(t, cgroupsPath, err, want)
	}
}

// text prints properties as busctl(1) would be given them.
func text(list []sd.Property) string {
	var words []string
	for _, p := range list {
		words = append(words, p.Name+"="+p.Value.String())
	}
	return strings.Join(words, " ")
}

func TestLimitsAsProperties(t *testing.T) {
	pids, shares, quota, period, weight := int64(20), uint64(512), int64(12345), uint64(50000), uint16(500)
	memory, swap, idle := int64(1<<20), int64(3<<20), int64(1)
	files, err := cgroup.Files(&specs.LinuxResources{
		Memory:  &specs.LinuxMemory{Limit: &memory, Swap: &swap, Reservation: &memory},
		CPU:     &specs.LinuxCPU{Shares: &shares, Quota: &quota, Period: &period, Cpus: "0-1,9", Mems: "0"},
		Pids:    &specs.LinuxPids{Limit: &pids},
		BlockIO: &specs.LinuxBlockIO{Weight: &weight},
		Unified: map[string]string{"memory.high": "max", "memory.oom.group": "1", "hugetlb.2MB.max": "0"},
	})
	testkit.Check(t, err)
	list, err := limits(files, func() int { return 252 })
	testkit.Check(t, err)
	testkit.Equal(t, "properties", text(list), "MemoryMax=@t 1048576 MemorySwapMax=@t 2097152 MemoryLow=@t 1048576 "+
		"CPUWeight=@t 59 CPUQuotaPeriodUSec=@t 50000 CPUQuotaPerSecUSec=@t 250000 AllowedCPUs=@ay [0x3, 0x2] "+
		"AllowedMemoryNodes=@ay [0x1] TasksMax=@t 20 IOWeight=@t 4950 MemoryHigh=@t 18446744073709551615")

	for version, want := range map[int]string{251: "CPUWeight=@t 59", 252: "CPUWeight=@t 0"} {
		files, err := cgroup.Files(&specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: &shares, Idle: &idle}})
		testkit.Check(t, err)
		list, err := limits(files, func() int { return version })
		testkit.Check(t, err)
		testkit.Equal(t, fmt.Sprint("idle, systemd ", version), text(list), want)
	}
	for version, want := range map[int]string{252: "", 253: `OOMPolicy="kill"`} {
		testkit.Equal(t, fmt.Sprint("memory.oom.group, systemd ", version),
			text(oomPolicy(files, func() int { return version })), want)
	}
}

func TestAnnotatedProperties(t *testing.T) {
	list, err := annotated(map[string]string{
		Annotation + "CollectMode": "'inactive'", Annotation + "TimeoutStopUSec": "uint64 5000000",
		Annotation + "RuntimeMaxSec": "1.5", "org.example": "x",
	})
	testkit.Check(t, err)
	testkit.Equal(t, "properties", text(list),
		`CollectMode="inactive" RuntimeMaxUSec=@t 1500000 TimeoutStopUSec=@t 5000000`)
	for key, value := range map[string]string{"No": "true", "Name-X": "true", "Name": "unquoted", "TimeoutSec": "'1'"} {
		_, err := annotated(map[string]string{Annotation + key: value})
		testkit.WantError(t, key, err, key)
	}
}
