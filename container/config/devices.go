package config

// The config does not list the device nodes that every container has (config-linux.md,
// "Default Devices"). Package compile makes them, and package cgroup allows them, even
// where the rules of the config deny all devices (HARDENING.md, row 7).

import "github.com/opencontainers/runtime-spec/specs-go"

// maskedPaths show secrets or the state of the machine (HARDENING.md, row 17).
var maskedPaths = [...]string{
	"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
	"/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
	"/proc/timer_list", "/proc/timer_stats",
	"/sys/devices/virtual/powercap", "/sys/firmware",
}

// readonlyPaths would change the machine when written.
var readonlyPaths = [...]string{
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
}

// setMasks sets the masked and read-only paths.
func (b *builder) setMasks() error {
	if !b.o.Privileged {
		b.spec.Linux.MaskedPaths = append(maskedPaths[:len(maskedPaths):len(maskedPaths)], b.host.ThermalThrottle...)
		b.spec.Linux.ReadonlyPaths = readonlyPaths[:]
	}
	return nil
}

// setDevices denies all devices but those that every container gets; --privileged allows
// all devices of the host.
func (b *builder) setDevices() error {
	if b.o.Privileged {
		b.spec.Linux.Devices = b.host.Devices
	}
	rule := specs.LinuxDeviceCgroup{Allow: b.o.Privileged, Access: "rwm"}
	b.spec.Linux.Resources = &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{rule}}
	return nil
}
