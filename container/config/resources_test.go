package config

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// limits are linux.resources of l but for the devices, as JSON.
func limits(t *testing.T, l Limits) string {
	t.Helper()
	host := testHost()
	host.Controllers = nil // and so no default
	r := &specs.LinuxResources{}
	if err := l.Set(r, host); err != nil {
		t.Errorf("%+v: %v, hint %q", l, err, hint.Of(err))
	}
	text, err := json.Marshal(r)
	testkit.Check(t, err)
	return string(text)
}

func TestLimits(t *testing.T) {
	const group = `"unified":{"memory.oom.group":"1"}`
	for _, test := range []struct {
		l    Limits
		want string
	}{
		{Limits{}, `{}`},
		{Limits{Memory: "512m"}, `{"memory":{"limit":536870912,"swap":1073741824},` + group + `}`},
		{Limits{Memory: "1G", MemorySwap: "-1"}, `{"memory":{"limit":1073741824,"swap":-1},` + group + `}`},
		{Limits{Memory: "1.5g", MemorySwap: "2g"}, `{"memory":{"limit":1610612736,"swap":2147483648},` + group + `}`},
		{Limits{Memory: "6291456", MemorySwap: "0"}, `{"memory":{"limit":6291456,"swap":12582912},` + group + `}`},
		{Limits{Memory: "6mb", MemorySwap: "6mb"}, `{"memory":{"limit":6291456,"swap":6291456},` + group + `}`},
		{Limits{Memory: "0"}, `{"memory":{"limit":-1,"swap":-1}}`},
		{Limits{Memory: "0m", MemorySwap: "0b"}, `{"memory":{"limit":-1,"swap":-1}}`},
		{Limits{Memory: "6mb", MemorySwap: "0g"}, `{"memory":{"limit":6291456,"swap":12582912},` + group + `}`},
		{Limits{Memory: "-1", MemorySwap: "-1"}, `{"memory":{"limit":-1,"swap":-1}}`},
		{Limits{MemorySwap: "-1"}, `{}`},
		{Limits{MemoryReservation: "8m"}, `{"memory":{"reservation":8388608}}`},
		{Limits{MemoryReservation: "0"}, `{"unified":{"memory.low":"0"}}`},
		{Limits{Memory: "8m", MemoryReservation: "8m"},
			`{"memory":{"limit":8388608,"reservation":8388608,"swap":16777216},` + group + `}`},

		{Limits{CPUs: "1.5"}, `{"cpu":{"quota":150000,"period":100000}}`},
		{Limits{CPUs: "0"}, `{"cpu":{"quota":-1,"period":100000}}`},
		{Limits{CPUs: "0.00"}, `{"cpu":{"quota":-1,"period":100000}}`},
		{Limits{CPUPeriod: new(uint64)}, `{"cpu":{"quota":-1,"period":100000}}`},
		{Limits{CPUQuota: new(int64(20000))}, `{"cpu":{"quota":20000,"period":100000}}`},
		{Limits{CPUQuota: new(int64(0)), CPUPeriod: new(uint64(50000))}, `{"cpu":{"quota":-1,"period":50000}}`},
		{Limits{CPUShares: new(uint64(512))}, `{"cpu":{"shares":512}}`},
		{Limits{CPUShares: new(uint64)}, `{"cpu":{"shares":1024}}`},
		{Limits{CpusetCPUs: "0,3-5", CpusetMems: "0"}, `{"cpu":{"cpus":"0,3-5","mems":"0"}}`},

		{Limits{PidsLimit: new(int64(7))}, `{"pids":{"limit":7}}`},
		{Limits{PidsLimit: new(int64(0))}, `{"pids":{"limit":-1}}`},

		{Limits{BlkioWeight: new(uint64(10))}, `{"blockIO":{"weight":10}}`},
		{Limits{BlkioWeight: new(uint64)}, `{}`},
		{Limits{HugetlbLimits: []string{"2m:64m", "1GB:0", "64k:1g"}},
			`{"hugepageLimits":[{"pageSize":"2MB","limit":67108864}` +
				`,{"pageSize":"1GB","limit":0},{"pageSize":"64KB","limit":1073741824}]}`},

		{Limits{CgroupConf: []string{"memory.high=48m", "cpu.idle=1"}},
			`{"unified":{"cpu.idle":"1","memory.high":"48m"}}`},
		{Limits{CgroupConf: []string{"rdma.max=a hca_handle=1", "rdma.max=b hca_handle=2"}},
			`{"unified":{"rdma.max":"a hca_handle=1\nb hca_handle=2"}}`},
		{Limits{CgroupConf: []string{"memory.oom.group=0"}, Memory: "8m"},
			`{"memory":{"limit":8388608,"swap":16777216},"unified":{"memory.oom.group":"0"}}`},
		{Limits{CgroupConf: []string{"cgroup.max.depth=1"}}, `{"unified":{"cgroup.max.depth":"1"}}`},
	} {
		testkit.Equal(t, fmt.Sprintf("%+v", test.l), limits(t, test.l), test.want)
	}
}

// TestDisks: a disk is named by its device.
func TestDisks(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "a:disk")
	if err := unix.Mknod(disk, unix.S_IFBLK|0o600, int(unix.Mkdev(7, 3))); err != nil {
		t.Skipf("mknod: %v, which takes CAP_MKNOD", err)
	}
	l := Limits{
		DeviceReadBps: []string{disk + ":1m", disk + ":0"}, DeviceWriteBps: []string{disk + ":512"},
		DeviceReadIOps: []string{disk + ":30"}, DeviceWriteIOps: []string{disk + ":40"},
		BlkioWeightDevices: []string{disk + ":1000"},
	}
	const device = `{"major":7,"minor":3,`
	want := `{"blockIO":{"weightDevice":[` + device + `"weight":1000}],` +
		`"throttleReadBpsDevice":[` + device + `"rate":1048576},` + device + `"rate":0}],"throttleWriteBpsDevice":[` +
		device + `"rate":512}],` +
		`"throttleReadIOPSDevice":[` + device + `"rate":30}],"throttleWriteIOPSDevice":[` + device + `"rate":40}]}}`
	testkit.Equal(t, "all limits", limits(t, l), want)
	_, err := testConfig(t, Options{Limits: Limits{BlkioWeightDevices: []string{disk + ":9"}}})
	testkit.WantError(t, "weight 9", err, "not between 10 and 1000")
}

func TestLimitErrors(t *testing.T) {
	for _, test := range []struct {
		l    Limits
		text string
	}{
		{Limits{Memory: "5m"}, `--memory "5m": below the minimum, 6m`},
		{Limits{Memory: "much"}, `--memory "much": not a size`},
		{Limits{Memory: "-2"}, "not a size"},
		{Limits{Memory: "1e30"}, "--memory"},
		{Limits{Memory: "1z"}, "not a size"},
		{Limits{Memory: "8m", MemorySwap: "7m"}, `--memory-swap "7m": below --memory "8m"`},
		{Limits{Memory: "8m", MemorySwap: "x"}, "not a size"},
		{Limits{MemorySwap: "1g"}, `--memory-swap "1g": no memory limit`},
		{Limits{Memory: "-1", MemorySwap: "1g"}, "no memory limit"},
		{Limits{MemoryReservation: "9m", Memory: "8m"}, `--memory-reservation "9m": above --memory "8m"`},
		{Limits{MemoryReservation: "x"}, "not a size"},
		{Limits{CPUs: "0.001"}, `--cpus "0.001": not a number of processors`},
		{Limits{CPUs: "-1"}, "not a number of processors"},
		{Limits{CPUs: "NaN"}, "not a number of processors"},
		{Limits{CPUs: "inf"}, "not a number of processors"},
		{Limits{CPUs: "two"}, "not a number of processors"},
		{Limits{CPUs: "1", CPUQuota: new(int64(5000))}, `--cpus "1": excludes --cpu-quota`},
		{Limits{CPUs: "1", CPUPeriod: new(uint64(5000))}, `--cpus "1": excludes --cpu-quota and --cpu-period`},
		{Limits{CPUQuota: new(int64(999))}, "--cpu-quota 999: below 1000 microseconds"},
		{Limits{CPUQuota: new(int64(-2))}, "--cpu-quota -2: below"},
		{Limits{CPUPeriod: new(uint64(999))}, "--cpu-period 999: not between 1000 and 1000000"},
		{Limits{CPUPeriod: new(uint64(1000001))}, "--cpu-period 1000001: not between"},
		{Limits{CPUShares: new(uint64(1))}, "--cpu-shares 1: not between 2 and 262144"},
		{Limits{CPUShares: new(uint64(math.MaxUint64))}, "not between"},
		{Limits{CpusetCPUs: "1"}, `--cpuset-cpus "1": not available on this machine`},
		{Limits{CpusetCPUs: "0-2"}, "not available on this machine"},
		{Limits{CpusetCPUs: "3-2"}, "not a list of numbers"},
		{Limits{CpusetCPUs: "0,"}, "not a list of numbers"},
		{Limits{CpusetMems: "all"}, `--cpuset-mems "all": not a list of numbers`},
		{Limits{CpusetMems: "1"}, "not available on this machine"},
		{Limits{PidsLimit: new(int64(-2))}, "--pids-limit -2: negative"},
		{Limits{BlkioWeight: new(uint64(9))}, "--blkio-weight 9: not between 10 and 1000"},
		{Limits{BlkioWeight: new(uint64(65536 + 10))}, "not between"},
		{Limits{DeviceReadBps: []string{"/dev/null"}}, `--device-read-bps "/dev/null": not DEVICE:NUMBER`},
		{Limits{DeviceReadBps: []string{"/dev/null:1m"}}, "not a block device"},
		{Limits{DeviceWriteBps: []string{"/dev/null:much"}}, "not a number after the colon"},
		{Limits{DeviceReadIOps: []string{"/dev/nowhere:1"}}, "no such file or directory"},
		{Limits{DeviceWriteIOps: []string{"/dev/null:1m"}}, "not a number after the colon"},
		{Limits{BlkioWeightDevices: []string{"/dev/null:x"}}, `--blkio-weight-device "/dev/null:x": not a number`},
		{Limits{HugetlbLimits: []string{"2MB"}}, `--hugetlb-limit "2MB": not PAGESIZE:LIMIT`},
		{Limits{HugetlbLimits: []string{"big:1m"}}, "not PAGESIZE:LIMIT"},
		{Limits{HugetlbLimits: []string{"2MB:-1"}}, "not PAGESIZE:LIMIT"},
		{Limits{CgroupConf: []string{"memory.high"}}, `--cgroup-conf "memory.high": not FILE=VALUE`},
		{Limits{CgroupConf: []string{"../a.b=1"}}, "not a cgroup file"},
		{Limits{CgroupConf: []string{"tasks=1"}}, "not a cgroup file"},
		{Limits{CgroupConf: []string{"cgroup.procs=1"}}, "not a limit"},
		{Limits{CgroupConf: []string{"cgroup.kill=1"}}, "not a limit"},
		{Limits{CgroupConf: []string{"io.max=8:0 rbps=1\n8:1 rbps=1"}}, "contains a control byte"},
		{Limits{CgroupConf: []string{"memory.max=1g"}, Memory: "8m"}, "another flag sets this file"},
		{Limits{CgroupConf: []string{"memory.low=1g"}, MemoryReservation: "0"}, "another flag sets this file"},
	} {
		_, err := testConfig(t, Options{Limits: test.l})
		testkit.WantError(t, test.text, err, test.text)
	}
}

// TestPidsDefault: where there is a controller for it.
func TestPidsDefault(t *testing.T) {
	for controllers, want := range map[string]bool{"cpu pids": true, "cpu": false} {
		host := testHost()
		host.Controllers = strings.Fields(controllers)
		r := &specs.LinuxResources{}
		if err := (&Limits{}).Set(r, host); err != nil || (r.Pids != nil) != want || want && *r.Pids.Limit != 2048 {
			t.Errorf("%s: %+v, %v", controllers, r.Pids, err)
		}
	}
}

func FuzzCpuset(f *testing.F) {
	for _, list := range []string{"0", "0-2,7", "7-0", ",", "-", "0-", "99999999999"} {
		f.Add(list, "0-7")
	}
	f.Fuzz(func(t *testing.T, list, here string) {
		if checkList(list, here) == nil && list != "" && here == "" {
			t.Errorf("%q is here, where nothing is", list)
		}
	})
}
