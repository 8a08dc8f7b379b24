package main

import (
	"github.com/minictr/minictr/container/config"
	"github.com/urfave/cli/v2"
)

// limitFlags are what a container may use: said to run when it is made, or to
// update while it runs.
var limitFlags = []cli.Flag{
	&cli.StringFlag{Name: "memory", Aliases: []string{"m"}, Usage: "use at most `BYTES` of memory, as in 512m; -1 is no limit"},
	&cli.StringFlag{Name: "memory-swap", Usage: "use at most `BYTES` of memory and swap together; -1 is no limit", DefaultText: "twice the memory"},
	&cli.StringFlag{Name: "memory-reservation", Usage: "keep `BYTES` of memory as long as others have some to give"},
	&cli.StringFlag{Name: "cpus", Usage: "use at most `NUMBER` processors, as in 1.5"},
	&cli.Uint64Flag{Name: "cpu-period", Usage: "of --cpu-quota, in `MICROSECONDS`", DefaultText: "100000"},
	&cli.Int64Flag{Name: "cpu-quota", Usage: "run `MICROSECONDS` of each period; -1 is no limit", DefaultText: "-1"},
	&cli.Uint64Flag{Name: "cpu-shares", Aliases: []string{"c"}, Usage: "weigh `SHARES` against 1024 of others", DefaultText: "1024"},
	&cli.StringFlag{Name: "cpuset-cpus", Usage: "run on processors `LIST`, as in 0-2,7"},
	&cli.StringFlag{Name: "cpuset-mems", Usage: "use memory of nodes `LIST`, as in 0-2,7"},
	&cli.Int64Flag{Name: "pids-limit", Usage: "have at most `NUMBER` processes; -1 is no limit", DefaultText: "2048"},
	&cli.Uint64Flag{Name: "blkio-weight", Usage: "weigh `WEIGHT`, 10 to 1000, when others want the disk, too", DefaultText: "the kernel's"},
	&cli.StringSliceFlag{Name: "blkio-weight-device", KeepSpace: true, Usage: "the same for one disk, `DEVICE:WEIGHT`"},
	&cli.StringSliceFlag{Name: "device-read-bps", KeepSpace: true, Usage: "read at most so much a second, `DEVICE:BYTES`, as in /dev/sda:10m"},
	&cli.StringSliceFlag{Name: "device-write-bps", KeepSpace: true, Usage: "write at most so much a second, `DEVICE:BYTES`"},
	&cli.StringSliceFlag{Name: "device-read-iops", KeepSpace: true, Usage: "read at most so often a second, `DEVICE:NUMBER`"},
	&cli.StringSliceFlag{Name: "device-write-iops", KeepSpace: true, Usage: "write at most so often a second, `DEVICE:NUMBER`"},
	&cli.StringSliceFlag{Name: "hugetlb-limit", KeepSpace: true, Usage: "use at most so much in huge pages of a size, `SIZE:BYTES`, as in 2MB:64m"},
	&cli.StringSliceFlag{Name: "cgroup-conf", KeepSpace: true, Usage: "write a file of the cgroup, `FILE=VALUE`, as in memory.high=48m or memory.oom.group=0"},
}

// limits returns what these flags say.
func limits(c *cli.Context) config.Limits {
	return config.Limits{
		Memory: c.String("memory"), MemorySwap: c.String("memory-swap"), MemoryReservation: c.String("memory-reservation"),
		CPUs: c.String("cpus"), CPUPeriod: given(c, "cpu-period", c.Uint64), CPUQuota: given(c, "cpu-quota", c.Int64),
		CPUShares:  given(c, "cpu-shares", c.Uint64),
		CpusetCPUs: c.String("cpuset-cpus"), CpusetMems: c.String("cpuset-mems"),
		PidsLimit:   given(c, "pids-limit", c.Int64),
		BlkioWeight: given(c, "blkio-weight", c.Uint64), BlkioWeightDevices: c.StringSlice("blkio-weight-device"),
		DeviceReadBps: c.StringSlice("device-read-bps"), DeviceWriteBps: c.StringSlice("device-write-bps"),
		DeviceReadIOps: c.StringSlice("device-read-iops"), DeviceWriteIOps: c.StringSlice("device-write-iops"),
		HugetlbLimits: c.StringSlice("hugetlb-limit"), CgroupConf: c.StringSlice("cgroup-conf"),
	}
}

// given is the number that a flag says, or nil.
func given[T any](c *cli.Context, flag string, get func(string) T) *T {
	if !c.IsSet(flag) {
		return nil
	}
	return new(get(flag))
}
