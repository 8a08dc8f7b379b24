package container

// Devices and masks: what of the machine shows through.
//
// The device rules are read in order and the last that matches counts; they
// start from "deny all" (HARDENING.md, row 7). Making a node is allowed, since
// it is harmless by itself; opening it is what needs a rule. The nodes in /dev
// that every container has (OCI spec, "default devices") are made by the
// runtime and not listed in the config.
//
// A masked path shows nothing, a read-only one cannot be written: both cover
// files under /proc and /sys that no namespace has a copy of.

import (
	"github.com/opencontainers/runtime-spec/specs-go"
)

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
	c.spec.Linux.Resources.Devices = []specs.LinuxDeviceCgroup{
		{Allow: false, Access: "rwm"},
		{Allow: true, Type: "c", Access: "m"},
		{Allow: true, Type: "b", Access: "m"},
		allow(1, 3), // null
		allow(1, 5), // zero
		allow(1, 7), // full
		allow(1, 8), // random
		allow(1, 9), // urandom
		allow(5, 0), // tty
		allow(5, 1), // console
		allow(5, 2), // ptmx
		{Allow: true, Type: "c", Major: ptr(136), Access: "rwm"}, // pts/*
	}
	return nil
}

func allow(major, minor int64) specs.LinuxDeviceCgroup {
	return specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: &major, Minor: &minor, Access: "rwm"}
}

func ptr(n int64) *int64 { return &n }
