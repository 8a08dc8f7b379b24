package compile

import (
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestGoldenUpdate: limits of a container that runs, one by a new controller, and device rules.
func TestGoldenUpdate(t *testing.T) {
	files, err := cgroup.Files(&specs.LinuxResources{Pids: &specs.LinuxPids{Limit: new(int64(20))},
		CPU: &specs.LinuxCPU{Quota: new(int64(20000)), Burst: new(uint64(10000))}})
	testkit.Check(t, err)
	p, err := Update(&cgroup.Change{Mount: "/sys/fs/cgroup", Group: "minictr/ID",
		Enable: []string{"pids"}, Files: files,
		Devices: []specs.LinuxDeviceCgroup{{Type: "a", Access: "rwm"}}, Programs: []uint32{7}})
	compareGolden(t, "update", p, err)
}
