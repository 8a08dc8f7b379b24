package config

import (
	"fmt"
	"strings"
)

// Origin names the flag, as typed, behind a field of the OCI config: "mounts[2]" →
// "--volume ./src:/src". An error about a field becomes one about the flag.
type Origin map[string]string

// Flag returns the flag behind a field, or behind the nearest field that encloses it;
// "" for a field that no flag asked for. The field of a step (plan.Step.From) may go on
// after the name: "mounts[2]: ./src on /src".
func (o Origin) Flag(field string) string {
	for end := len(field); end > 0; end = strings.LastIndexAny(field[:end], ".:[") {
		if flag, ok := o[field[:end]]; ok {
			return flag
		}
	}
	return ""
}

// Wrap puts the flag behind field in front of an error.
func (o Origin) Wrap(err error, field string) error {
	if flag := o.Flag(field); flag != "" {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return err
}

// ProcessOrigin is the origin of what ExecProcess reads of o.
func ProcessOrigin(o *Options) Origin {
	origin := Origin{}
	origin.add("--workdir", o.Workdir, "process.cwd")
	origin.add("--user", o.User, "process.user")
	return origin
}

// newOrigin is the origin of all flags but those of mounts, which setMounts adds.
func newOrigin(o *Options) Origin {
	origin := ProcessOrigin(o)
	origin.add("--userns", o.Userns, "linux.uidMappings", "linux.gidMappings")
	origin.add("--sysctl", strings.Join(o.Sysctls, " "), "linux.sysctl")
	origin.add("--device", strings.Join(o.Devices, " "), "linux.devices")
	origin.add("--device-cgroup-rule", strings.Join(o.DeviceRules, " "), "linux.resources.devices")
	origin.add("--domainname", o.Domainname, "domainname")
	origin.add("--oom-score-adj", number(o.OOMScore), "process.oomScoreAdj")
	origin.add("--ulimit", strings.Join(o.Ulimits, " "), "process.rlimits")
	origin.setLimits(&o.Limits)
	return origin
}

// resources is the object of the config that holds limits.
const resources = "linux.resources."

// setLimits replaces the origin of all limits. A controller ("memory") is the field of
// the step that enables it: the first flag that needs it stands for all.
func (o Origin) setLimits(l *Limits) {
	for field := range o {
		if strings.HasPrefix(field, resources) {
			delete(o, field)
		}
	}
	for _, word := range l.CgroupConf {
		name, _, _ := strings.Cut(word, "=")
		controller, _, _ := strings.Cut(name, ".")
		o.add("--cgroup-conf", word, resources+"unified: "+name, resources+controller)
	}
	for _, f := range []struct {
		flag, value string
		fields      []string
	}{
		{"--memory-swap", l.MemorySwap, []string{"memory.swap"}},
		{"--memory", l.Memory, []string{"memory", "memory.limit", "memory.swap", "unified: " + oomGroup}},
		{"--memory-reservation", l.MemoryReservation, []string{"memory", "memory.reservation"}},
		{"--cpuset-cpus", l.CpusetCPUs, []string{"cpuset", "cpu.cpus"}},
		{"--cpuset-mems", l.CpusetMems, []string{"cpuset", "cpu.mems"}},
		{"--cpus", l.CPUs, []string{"cpu", "cpu.quota"}},
		{"--cpu-quota", number(l.CPUQuota), []string{"cpu", "cpu.quota"}},
		{"--cpu-period", number(l.CPUPeriod), []string{"cpu", "cpu.quota"}},
		{"--cpu-shares", number(l.CPUShares), []string{"cpu", "cpu.shares"}},
		{"--pids-limit", number(l.PidsLimit), []string{"pids", "pids.limit"}},
		{"--blkio-weight", number(l.BlkioWeight), []string{"io", "blockIO.weight"}},
		{"--blkio-weight-device", strings.Join(l.BlkioWeightDevices, " "), []string{"io", "blockIO.weightDevice"}},
		{"--device-read-bps", strings.Join(l.DeviceReadBps, " "), []string{"io", "blockIO.throttleReadBpsDevice"}},
		{"--device-write-bps", strings.Join(l.DeviceWriteBps, " "), []string{"io", "blockIO.throttleWriteBpsDevice"}},
		{"--device-read-iops", strings.Join(l.DeviceReadIOps, " "), []string{"io", "blockIO.throttleReadIOPSDevice"}},
		{"--device-write-iops", strings.Join(l.DeviceWriteIOps, " "),
			[]string{"io", "blockIO.throttleWriteIOPSDevice"}},
		{"--hugetlb-limit", strings.Join(l.HugetlbLimits, " "), []string{"hugetlb", "hugepageLimits"}},
	} {
		for _, field := range f.fields {
			o.add(f.flag, f.value, resources+field)
		}
	}
}

// add names a flag that was given behind fields that have none yet.
func (o Origin) add(flag, value string, fields ...string) {
	for _, field := range fields {
		if _, ok := o[field]; !ok && value != "" {
			o[field] = flag + " " + value
		}
	}
}

// number is a number as it was typed, or "" for none.
func number[T int | int64 | uint64](n *T) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}
