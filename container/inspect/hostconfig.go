package inspect

import (
	"cmp"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// HostConfig is what the flags decided about a container, with docker's names and units;
// 0 means no limit.
type HostConfig struct {
	Binds           []string
	VolumesFrom     []string
	Mounts          []HostMount
	Tmpfs           map[string]string
	ContainerIDFile string
	LogConfig       LogConfig
	NetworkMode     string
	RestartPolicy   RestartPolicy
	AutoRemove      bool
	Init            bool
	Runtime         string
	Annotations     map[string]string `json:",omitempty"`

	Dns, DnsOptions, DnsSearch, ExtraHosts []string
	GroupAdd                               []string
	OomScoreAdj                            int
	ShmSize                                int64 // bytes
	Devices                                []Device
	DeviceCgroupRules                      []string

	CapAdd, CapDrop            []string
	Privileged, ReadonlyRootfs bool
	SecurityOpt                []string
	MaskedPaths, ReadonlyPaths []string
	Sysctls                    map[string]string
	Ulimits                    []Ulimit

	IpcMode, PidMode, UTSMode, UsernsMode, CgroupnsMode string

	CgroupParent                          string
	Memory, MemorySwap, MemoryReservation int64 // bytes
	NanoCpus, CpuQuota                    int64 // billionths of a processor; microseconds of each period
	CpuPeriod, CpuShares                  uint64
	CpusetCpus, CpusetMems                string
	PidsLimit                             int64
	BlkioWeight                           uint16
	BlkioWeightDevice                     []WeightDevice
	BlkioDeviceReadBps, BlkioDeviceWriteBps,
	BlkioDeviceReadIOps, BlkioDeviceWriteIOps []ThrottleDevice
	CgroupConf map[string]string // podman's name for files of the cgroup

	absentHostConfig
}

// Parts of HostConfig.
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
		Name       string // nofile
		Soft, Hard int64  // -1 is unlimited
	}
	HostMount struct { // of --mount
		Type, Source, Target string
		ReadOnly             bool
	}
	Device struct {
		PathOnHost, PathInContainer, CgroupPermissions string
	}
	WeightDevice struct {
		Path   string
		Weight uint16
	}
	ThrottleDevice struct {
		Path string
		Rate uint64
	}
)

func hostConfig(c *container.Container, spec *specs.Spec) HostConfig {
	o := &c.Settings.Options
	h := HostConfig{
		Binds: binds(o), VolumesFrom: o.VolumesFrom, Tmpfs: tmpfs(spec.Mounts),
		NetworkMode: Network(c), AutoRemove: o.Remove, Init: o.Init,
		ContainerIDFile: o.CIDFile, Runtime: "minictr", Annotations: spec.Annotations,
		Mounts: hostMounts(c, spec), Devices: devices(o.Devices), DeviceCgroupRules: o.DeviceRules,
		Dns: o.DNS, DnsOptions: o.DNSOptions, DnsSearch: o.DNSSearch, ExtraHosts: o.AddHosts, GroupAdd: o.GroupAdd,
		LogConfig:     LogConfig{cmp.Or(o.LogDriver, "minictr"), logConfig(c)},
		RestartPolicy: RestartPolicy{c.Settings.Restart.Policy, c.Settings.Restart.Max},
		CapAdd:        o.CapAdd, CapDrop: o.CapDrop, Privileged: o.Privileged, ReadonlyRootfs: spec.Root.Readonly,
		SecurityOpt: o.SecurityOpt, MaskedPaths: spec.Linux.MaskedPaths, ReadonlyPaths: spec.Linux.ReadonlyPaths,
		Sysctls: spec.Linux.Sysctl, IpcMode: cmp.Or(o.IPC, "private"), CgroupnsMode: "private",
		PidMode: o.PID, UTSMode: o.UTS, UsernsMode: o.Userns,
		CgroupParent: path.Dir(spec.Linux.CgroupsPath),
	}
	for _, r := range spec.Process.Rlimits {
		name := strings.ToLower(strings.TrimPrefix(r.Type, "RLIMIT_"))
		h.Ulimits = append(h.Ulimits, Ulimit{name, int64(r.Soft), int64(r.Hard)})
	}
	if n := spec.Process.OOMScoreAdj; n != nil {
		h.OomScoreAdj = *n
	}
	h.ShmSize, _ = o.ParseShmSize() // create has checked it
	h.setLimits(o, spec.Linux.Resources)
	return h
}

// logConfig returns the options of --log-opt, and the size of a log file without them.
func logConfig(c *container.Container) map[string]string {
	all := map[string]string{"max-size": strconv.FormatInt(c.Settings.LogMaximum, 10)}
	for _, word := range c.Settings.Options.LogOpts {
		name, value, _ := strings.Cut(word, "=")
		all[name] = value
	}
	return all
}

// binds returns the words of --volume with a source.
func binds(o *config.Options) (words []string) {
	for _, word := range o.Volumes {
		if strings.Contains(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

// hostMounts returns the mounts of --mount.
func hostMounts(c *container.Container, spec *specs.Spec) (mounts []HostMount) {
	for i, m := range spec.Mounts {
		if !strings.HasPrefix(c.Settings.Origin.Flag(fmt.Sprintf("mounts[%d]", i)), "--mount ") {
			continue
		}
		for _, p := range mountPoints(c, &specs.Spec{Mounts: []specs.Mount{m}}) {
			mounts = append(mounts, HostMount{p.Type, p.Source, p.Destination, !p.RW})
		}
	}
	return mounts
}

func devices(words []string) (list []Device) {
	for _, word := range words {
		source, target, access, _ := config.ParseDevice(word)
		list = append(list, Device{source, target, access})
	}
	return list
}

// setLimits sets the limits. Docker reports a CPU limit as it was typed: as NanoCpus, or
// as period and quota.
func (h *HostConfig) setLimits(o *config.Options, r *specs.LinuxResources) {
	if r == nil {
		return
	}
	if m := r.Memory; m != nil {
		h.Memory, h.MemorySwap, h.MemoryReservation = value(m.Limit), value(m.Swap), value(m.Reservation)
		if h.Memory < 0 {
			h.Memory, h.MemorySwap = 0, 0
		}
	}
	h.setBlkio(r.BlockIO)
	h.CgroupConf = r.Unified
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
		h.NanoCpus = max(0, h.CpuQuota) * 1e9 / int64(h.CpuPeriod)
		h.CpuPeriod, h.CpuQuota = 0, 0 // docker has one or the other
	}
}

// setBlkio sets the limits of block devices. The config has their numbers only; udev makes
// a name of them.
func (h *HostConfig) setBlkio(b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	h.BlkioWeight = value(b.Weight)
	for _, d := range b.WeightDevice {
		h.BlkioWeightDevice = append(h.BlkioWeightDevice, WeightDevice{diskPath(d.Major, d.Minor), value(d.Weight)})
	}
	rates := func(devices []specs.LinuxThrottleDevice) (list []ThrottleDevice) {
		for _, d := range devices {
			list = append(list, ThrottleDevice{diskPath(d.Major, d.Minor), d.Rate})
		}
		return list
	}
	h.BlkioDeviceReadBps, h.BlkioDeviceWriteBps = rates(b.ThrottleReadBpsDevice), rates(b.ThrottleWriteBpsDevice)
	h.BlkioDeviceReadIOps, h.BlkioDeviceWriteIOps = rates(b.ThrottleReadIOPSDevice), rates(b.ThrottleWriteIOPSDevice)
}

func diskPath(major, minor int64) string { return fmt.Sprintf("/dev/block/%d:%d", major, minor) }

func value[T int64 | uint64 | uint16](n *T) T {
	if n == nil {
		return 0
	}
	return *n
}
