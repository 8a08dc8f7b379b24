package inspect

import (
	"testing"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestInspectedLimits: limits have docker's names, and no limit is 0.
func TestInspectedLimits(t *testing.T) {
	o := config.Options{Limits: config.Limits{
		Memory: "64m", CPUs: "1.5", BlkioWeight: new(uint64(300)), CgroupConf: []string{"memory.high=48m"},
	}}
	h := HostConfig{}
	r := resources(t, o.Limits)
	disk := specs.LinuxThrottleDevice{Rate: 7}
	disk.Major, disk.Minor = 8, 16
	r.BlockIO.ThrottleWriteIOPSDevice = []specs.LinuxThrottleDevice{disk}
	h.setLimits(&o, r)
	if h.Memory != 64<<20 || h.MemorySwap != 128<<20 || h.NanoCpus != 1500000000 || h.BlkioWeight != 300 ||
		h.CgroupConf["memory.high"] != "48m" || h.BlkioDeviceWriteIOps[0] != (ThrottleDevice{"/dev/block/8:16", 7}) {
		t.Errorf("%+v", h)
	}
	o, h = config.Options{Limits: config.Limits{Memory: "-1", CPUs: "0"}}, HostConfig{}
	h.setLimits(&o, resources(t, o.Limits))
	if h.Memory != 0 || h.MemorySwap != 0 || h.NanoCpus != 0 {
		t.Errorf("no limit: %+v", h)
	}
}

// resources returns the limits of a config on a machine with all controllers.
func resources(t *testing.T, l config.Limits) *specs.LinuxResources {
	t.Helper()
	r := &specs.LinuxResources{}
	testkit.Check(t, l.Set(r, config.Host{Controllers: []string{"cpu", "io", "memory", "pids"}}))
	return r
}
