package container

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// HostConfig is what the caller has decided about a container, with docker's names
// and units; 0 is no limit.
type HostConfig struct {
	Binds         []string
	Tmpfs         map[string]string
	LogConfig     LogConfig
	NetworkMode   string
	RestartPolicy RestartPolicy
	AutoRemove    bool
	Init          bool

	CapAdd, CapDrop            []string
	Privileged, ReadonlyRootfs bool
	SecurityOpt                []string
	MaskedPaths, ReadonlyPaths []string
	Sysctls                    map[string]string
	Ulimits                    []Ulimit

	IpcMode, PidMode, UTSMode, UsernsMode string

	CgroupParent                          string
	Memory, MemorySwap, MemoryReservation int64 // bytes
	NanoCpus, CpuQuota                    int64 // billionths of a processor; microseconds
	CpuPeriod, CpuShares                  uint64
	CpusetCpus, CpusetMems                string
	PidsLimit                             int64
}

// LogConfig, RestartPolicy and Ulimit are parts of it.
type (
	LogConfig struct {
		Type   string
		Config map[string]string
	}
	RestartPolicy struct {
		Name              string
		MaximumRetryCount int
	}
	Ulimit struct {
		Name       string
		Soft, Hard uint64
	}
)

func (c *Container) hostConfig(spec *specs.Spec) HostConfig {
	o := &c.Settings.Options
	h := HostConfig{
		Binds: o.Volumes, Tmpfs: tmpfs(spec.Mounts), NetworkMode: c.Network(), AutoRemove: o.Remove, Init: o.Init,
		LogConfig:     LogConfig{"minictr", map[string]string{"max-size": strconv.FormatInt(c.Settings.LogMaximum, 10)}},
		RestartPolicy: RestartPolicy{c.Settings.Restart.Policy, c.Settings.Restart.Max},
		CapAdd:        o.CapAdd, CapDrop: o.CapDrop, Privileged: o.Privileged, ReadonlyRootfs: spec.Root.Readonly,
		SecurityOpt: o.SecurityOpt, MaskedPaths: spec.Linux.MaskedPaths, ReadonlyPaths: spec.Linux.ReadonlyPaths,
		Sysctls: spec.Linux.Sysctl, IpcMode: o.IPC, PidMode: o.PID, UTSMode: o.UTS, UsernsMode: o.Userns,
		CgroupParent: "/" + cgroupParent,
	}
	for _, r := range spec.Process.Rlimits {
		h.Ulimits = append(h.Ulimits, Ulimit{r.Type, r.Soft, r.Hard})
	}
	h.setLimits(o, spec.Linux.Resources)
	return h
}

// setLimits tells the limits of a container, which are those of its next life too.
func (h *HostConfig) setLimits(o *Options, r *specs.LinuxResources) {
	if r == nil {
		return
	}
	if m := r.Memory; m != nil {
		h.Memory, h.MemorySwap, h.MemoryReservation = value(m.Limit), value(m.Swap), value(m.Reservation)
	}
	if p := r.Pids; p != nil {
		h.PidsLimit = value(p.Limit)
	}
	c := r.CPU
	if c == nil {
		return
	}
	h.CpuPeriod, h.CpuQuota, h.CpuShares = value(c.Period), value(c.Quota), value(c.Shares)
	h.CpusetCpus, h.CpusetMems = c.Cpus, c.Mems
	if o.CPUs != "" && h.CpuPeriod > 0 {
		h.NanoCpus = h.CpuQuota * 1e9 / int64(h.CpuPeriod)
		h.CpuPeriod, h.CpuQuota = 0, 0 // docker tells one or the other
	}
}

func value[T int64 | uint64](n *T) T {
	if n == nil {
		return 0
	}
	return *n
}
