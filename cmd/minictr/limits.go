package main

import (
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/internal/help"
	"github.com/urfave/cli/v2"
)

// limitFlags limit the resources of a container: of run when it is created, of update
// later.
var limitFlags = []cli.Flag{
	help.Heading("Limits"),
	&cli.StringFlag{Name: "memory", Aliases: []string{"m"}, Usage: "`BYTES` memory limit, as in 512m; -1 for none"},
	&cli.StringFlag{
		Name: "memory-swap", DefaultText: "twice the memory",
		Usage: "`BYTES` limit of memory and swap together; -1 for none",
	},
	&cli.StringFlag{Name: "memory-reservation", Usage: "`BYTES` memory protected from reclaim (memory.low)"},
	&cli.StringFlag{Name: "cpus", Usage: "`NUMBER` number of CPUs, as in 1.5"},
	&cli.Uint64Flag{Name: "cpu-period", Usage: "`MICROSECONDS` period of --cpu-quota", DefaultText: "100000"},
	&cli.Int64Flag{
		Name: "cpu-quota", DefaultText: "-1",
		Usage: "`MICROSECONDS` CPU time in each period; -1 for no limit",
	},
	&cli.Uint64Flag{
		Name: "cpu-shares", Aliases: []string{"c"}, DefaultText: "1024",
		Usage: "`NUMBER` CPU weight relative to other containers",
	},
	&cli.StringFlag{Name: "cpuset-cpus", Usage: "`LIST` CPUs to run on, as in 0-2,7"},
	&cli.StringFlag{Name: "cpuset-mems", Usage: "`LIST` memory nodes to use, as in 0-2,7"},
	&cli.Int64Flag{
		Name: "pids-limit", DefaultText: "2048",
		Usage: "`NUMBER` maximum number of processes; -1 for none",
	},
	&cli.Uint64Flag{
		Name: "blkio-weight", DefaultText: "the kernel's",
		Usage: "`WEIGHT` block I/O weight relative to other containers, 10 to 1000",
	},
	listFlag("blkio-weight-device", "`DEVICE:WEIGHT` block I/O weight for one device"),
	listFlag("device-read-bps", "`DEVICE:BYTES` limit the read rate of a block device, as in /dev/sda:10m"),
	listFlag("device-write-bps", "`DEVICE:BYTES` limit the write rate of a block device"),
	listFlag("device-read-iops", "`DEVICE:NUMBER` limit the reads per second of a block device"),
	listFlag("device-write-iops", "`DEVICE:NUMBER` limit the writes per second of a block device"),
	listFlag("hugetlb-limit", "`SIZE:BYTES` limit huge pages of a size, as in 2MB:64m"),
	listFlag("cgroup-conf", "`FILE=VALUE` write a file of the cgroup, as in memory.high=48m"),
}

// limits returns the limits that the flags set.
func limits(c *cli.Context) config.Limits {
	return config.Limits{
		Memory: c.String("memory"), MemorySwap: c.String("memory-swap"),
		MemoryReservation: c.String("memory-reservation"),
		CPUs:              c.String("cpus"),
		CPUPeriod:         given(c, "cpu-period", c.Uint64), CPUQuota: given(c, "cpu-quota", c.Int64),
		CPUShares:  given(c, "cpu-shares", c.Uint64),
		CpusetCPUs: c.String("cpuset-cpus"), CpusetMems: c.String("cpuset-mems"),
		PidsLimit:   given(c, "pids-limit", c.Int64),
		BlkioWeight: given(c, "blkio-weight", c.Uint64), BlkioWeightDevices: c.StringSlice("blkio-weight-device"),
		DeviceReadBps: c.StringSlice("device-read-bps"), DeviceWriteBps: c.StringSlice("device-write-bps"),
		DeviceReadIOps: c.StringSlice("device-read-iops"), DeviceWriteIOps: c.StringSlice("device-write-iops"),
		HugetlbLimits: c.StringSlice("hugetlb-limit"), CgroupConf: c.StringSlice("cgroup-conf"),
	}
}

// given returns the value of a flag, or nil if it is not set.
func given[T any](c *cli.Context, flag string, get func(string) T) *T {
	if !c.IsSet(flag) {
		return nil
	}
	return new(get(flag))
}
