package config

import (
	"fmt"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
)

// TestOriginOfLimits: a limit that cannot be set, or whose controller is missing, is
// reported by the flag that set it.
func TestOriginOfLimits(t *testing.T) {
	l := Limits{Memory: "8m", CpusetMems: "0", CPUShares: new(uint64(5)), PidsLimit: new(int64(7)),
		DeviceWriteBps: []string{"/dev/a:1"}, HugetlbLimits: []string{"2MB:0"}, CgroupConf: []string{"memory.high=1g",
			"misc.max=res_a 1"}}
	origin := newOrigin(&Options{Limits: l})
	for field, want := range map[string]string{
		"memory.limit":                      "--memory 8m",
		"memory.swap":                       "--memory 8m",
		"unified: memory.oom.group":         "--memory 8m",
		"unified: memory.high":              "--cgroup-conf memory.high=1g",
		"misc":                              "--cgroup-conf misc.max=res_a 1",
		"cpuset":                            "--cpuset-mems 0",
		"cpu":                               "--cpu-shares 5",
		"cpu.mems":                          "--cpuset-mems 0",
		"pids":                              "--pids-limit 7",
		"io":                                "--device-write-bps /dev/a:1",
		"blockIO.throttleWriteBpsDevice[0]": "--device-write-bps /dev/a:1",
		"hugetlb":                           "--hugetlb-limit 2MB:0",
		"hugepageLimits[0]":                 "--hugetlb-limit 2MB:0",
		"rdma: x":                           "",
	} {
		testkit.Equal(t, field, origin.Flag("linux.resources."+field), want)
	}
}

// TestOriginOfMounts: the flag is that of the mount, whatever other words hold its
// destination.
func TestOriginOfMounts(t *testing.T) {
	o := &Options{Volumes: []string{"/x:/data/b", "/data/b:/a"}, Tmpfs: []string{"/data"}, Workdir: "/a"}
	spec, origin, err := Config(o, testImage(), testFiles(), testHost())
	testkit.Check(t, err)
	want := map[string]string{"/data/b": "--volume /x:/data/b", "/a": "--volume /data/b:/a", "/data": "--tmpfs /data"}
	for i, m := range spec.Mounts {
		if got := origin.Flag(fmt.Sprintf("mounts[%d]: anything on %s", i, m.Destination)); got != want[m.Destination] {
			t.Errorf("%s: %q, want %q", m.Destination, got, want[m.Destination])
		}
	}
	testkit.Equal(t, "process.cwd", origin.Flag("process.cwd"), "--workdir /a")
}
