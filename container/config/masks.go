package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

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
	masked := append(maskedPaths[:len(maskedPaths):len(maskedPaths)], b.host.ThermalThrottle...)
	readonly := readonlyPaths[:]
	if b.o.Privileged {
		masked, readonly = nil, nil
	}
	for _, word := range b.o.SecurityOpt {
		key, value := cutOption(word)
		switch {
		case key == "systempaths" || key == "unmask" && strings.EqualFold(value, "all"):
			masked, readonly = nil, nil
		case key == "unmask":
			masked, readonly = withoutPaths(masked, value), withoutPaths(readonly, value)
		case key == "mask":
			masked = append(slices.Clone(masked), strings.Split(value, ":")...)
		}
	}
	b.spec.Linux.MaskedPaths, b.spec.Linux.ReadonlyPaths = masked, readonly
	return nil
}

// withoutPaths returns paths without those that match one of patterns, which colons
// separate.
func withoutPaths(paths []string, patterns string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(name string) bool {
		return slices.ContainsFunc(strings.Split(patterns, ":"), func(pattern string) bool {
			matches, _ := path.Match(pattern, name)
			return matches
		})
	})
}

// checkPaths refuses a list of paths of mask or unmask that names none.
func checkPaths(key, list string) error {
	for name := range strings.SplitSeq(list, ":") {
		_, err := path.Match(name, "")
		if key == "unmask" && strings.EqualFold(list, "all") {
			return nil
		}
		if err != nil || !path.IsAbs(name) {
			return hint.New(fmt.Errorf("%q: not an absolute path", name), "write as in "+key+"=/proc/acpi:/proc/kcore")
		}
	}
	return nil
}

// checkSystemPaths refuses a value of systempaths other than docker's.
func checkSystemPaths(value string) error {
	if value == "unconfined" {
		return nil
	}
	return hint.New(errors.New("not systempaths=unconfined"), "leave it out, or use systempaths=unconfined")
}
