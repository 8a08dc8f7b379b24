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

func (b *builder) setMasks() error {
	if !b.o.Privileged {
		b.spec.Linux.MaskedPaths = append(maskedPaths[:len(maskedPaths):len(maskedPaths)], b.host.ThermalThrottle...)
		b.spec.Linux.ReadonlyPaths = readonlyPaths[:]
	}
	return nil
}

func (b *builder) setDevices() error {
	b.spec.Linux.Resources = &specs.LinuxResources{}
	if b.o.Privileged {
		b.spec.Linux.Devices = b.host.Devices
		b.spec.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: true, Access: "rwm"}}
		return nil
	}
	b.spec.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}
	return nil
}
