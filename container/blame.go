package container

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// blame puts the flag in front of the error of a step: a step knows the field
// of the config that asked for it, and who asked for the field is known here.
func blame(err error, o *Options, spec *specs.Spec) error {
	var e *walk.Error
	if !errors.As(err, &e) {
		return err
	}
	if flag := flagOf(e.Step.From, o, spec); flag != "" {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return err
}

func flagOf(field string, o *Options, spec *specs.Spec) string {
	for i, m := range spec.Mounts {
		if strings.HasPrefix(field, fmt.Sprintf("mounts[%d]", i)) {
			return mountFlag(m.Destination, o)
		}
	}
	if limit, ok := strings.CutPrefix(field, "linux.resources."); ok {
		return o.Limits.flag(limit)
	}
	for _, f := range []struct{ field, flag, value string }{
		{"linux.uidMappings", "--userns", o.Userns},
		{"linux.gidMappings", "--userns", o.Userns},
		{"linux.sysctl", "--sysctl", strings.Join(o.Sysctls, " ")},
		{"process.rlimits", "--ulimit", strings.Join(o.Ulimits, " ")},
		{"process.cwd", "--workdir", o.Workdir},
		{"process.user", "--user", o.User},
	} {
		if f.value != "" && strings.HasPrefix(field, f.field) {
			return f.flag + " " + f.value
		}
	}
	return ""
}

// mountFlag finds the flag that put something on dst.
func mountFlag(dst string, o *Options) string {
	for _, f := range []struct {
		flag  string
		words []string
	}{{"--volume", o.Volumes}, {"--mount", o.Mounts}, {"--tmpfs", o.Tmpfs}} {
		if i := slices.IndexFunc(f.words, func(w string) bool { return strings.Contains(w, dst) }); i >= 0 {
			return f.flag + " " + f.words[i]
		}
	}
	return ""
}

// flag finds the flag of a field below linux.resources, or of a controller, for
// which it may be any that needs it.
func (l *Limits) flag(field string) string {
	for _, word := range l.CgroupConf {
		name, _, _ := strings.Cut(word, "=")
		if field == "unified: "+name || strings.HasPrefix(name, field+".") {
			return "--cgroup-conf " + word
		}
	}
	field, _, _ = strings.Cut(field, "[")
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
		{"--cpu-quota", word(l.CPUQuota), []string{"cpu", "cpu.quota"}},
		{"--cpu-period", word(l.CPUPeriod), []string{"cpu", "cpu.quota"}},
		{"--cpu-shares", word(l.CPUShares), []string{"cpu", "cpu.shares"}},
		{"--pids-limit", word(l.PidsLimit), []string{"pids", "pids.limit"}},
		{"--blkio-weight", word(l.BlkioWeight), []string{"io", "blockIO.weight"}},
		{"--blkio-weight-device", strings.Join(l.BlkioWeightDevices, " "), []string{"io", "blockIO.weightDevice"}},
		{"--device-read-bps", strings.Join(l.DeviceReadBps, " "), []string{"io", "blockIO.throttleReadBpsDevice"}},
		{"--device-write-bps", strings.Join(l.DeviceWriteBps, " "), []string{"io", "blockIO.throttleWriteBpsDevice"}},
		{"--device-read-iops", strings.Join(l.DeviceReadIOps, " "), []string{"io", "blockIO.throttleReadIOPSDevice"}},
		{"--device-write-iops", strings.Join(l.DeviceWriteIOps, " "), []string{"io", "blockIO.throttleWriteIOPSDevice"}},
		{"--hugetlb-limit", strings.Join(l.HugetlbLimits, " "), []string{"hugetlb", "hugepageLimits"}},
	} {
		if f.value != "" && slices.Contains(f.fields, field) {
			return f.flag + " " + f.value
		}
	}
	return ""
}

// word is a number as it was typed, or "".
func word[T int64 | uint64](n *T) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}
