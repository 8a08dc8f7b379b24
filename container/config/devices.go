package config

import "github.com/opencontainers/runtime-spec/specs-go"

// maskedPaths tell secrets or the machine's state (HARDENING.md, row 17).
var maskedPaths = [...]string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
	"/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware",
}

// readonlyPaths change the machine when written.
var readonlyPaths = [...]string{
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
}

func (c *config) setMasks() error {
	if !c.o.Privileged {
		c.spec.Linux.MaskedPaths = append(maskedPaths[:len(maskedPaths):len(maskedPaths)], c.host.Thermal...)
		c.spec.Linux.ReadonlyPaths = readonlyPaths[:]
	}
	return nil
}

func (c *config) setDevices() error {
	c.spec.Linux.Resources = &specs.LinuxResources{}
	if c.o.Privileged {
		c.spec.Linux.Devices = c.host.Devices
		c.spec.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
		return nil
	}
	c.spec.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}
	return nil
}
