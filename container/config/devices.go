package config

// The config does not list the device nodes that every container has (config-linux.md,
// "Default Devices"). Package compile makes them, and package cgroup allows them, even
// where the rules of the config deny all devices (HARDENING.md, row 7).

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setDevices denies all devices but those that every container gets and those of --device;
// --privileged allows all devices of the host.
func (b *builder) setDevices() error {
	if b.o.Privileged {
		b.spec.Linux.Devices = b.host.Devices
	}
	rule := specs.LinuxDeviceCgroup{Allow: b.o.Privileged, Access: "rwm"}
	b.spec.Linux.Resources = &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{rule}}
	for _, word := range b.o.Devices {
		if err := b.addDevice(word); err != nil {
			return fmt.Errorf("--device %q: %w", word, err)
		}
	}
	return b.addDeviceRules()
}

// addDevice reads HOST[:CONTAINER][:rwm]. A directory stands for all devices below it.
func (b *builder) addDevice(word string) error {
	source, target, access, err := ParseDevice(word)
	if err != nil {
		return err
	}
	if len(b.spec.Linux.UIDMappings) > 0 && source != target {
		return hint.New(errors.New("in a user namespace a device keeps its path"), "--device "+source)
	}
	resolved, err := filepath.EvalSymlinks(source)
	if err != nil {
		return hint.New(err, "ls /dev lists the devices of this machine")
	}
	devices, err := readDevices(resolved)
	if err == nil && len(devices) == 0 {
		err = hint.New(errors.New("not a device"), "for a file or directory use --volume "+source+":"+target)
	}
	for _, d := range devices {
		d.Path = target + strings.TrimPrefix(d.Path, resolved)
		same := func(have specs.LinuxDevice) bool { return have.Path == d.Path }
		b.spec.Linux.Devices = append(slices.DeleteFunc(slices.Clone(b.spec.Linux.Devices), same), d)
		b.allowDevice(specs.LinuxDeviceCgroup{Type: d.Type, Major: &d.Major, Minor: &d.Minor, Access: access})
	}
	return err
}

// ParseDevice splits HOST[:CONTAINER][:rwm].
func ParseDevice(word string) (source, target, access string, err error) {
	fields := strings.Split(word, ":")
	access = "rwm"
	if last := fields[len(fields)-1]; len(fields) > 1 && isDeviceAccess(last) {
		fields, access = fields[:len(fields)-1], last
	}
	source, target = fields[0], fields[len(fields)-1]
	for _, name := range []string{source, target} {
		if !filepath.IsAbs(name) || strings.ContainsRune(name, 0) {
			return "", "", "", hint.New(fmt.Errorf("%q: neither an absolute path nor some of rwm", name), deviceHint)
		}
	}
	if len(fields) > 2 {
		err = hint.New(errors.New("too many fields"), deviceHint)
	}
	return filepath.Clean(source), filepath.Clean(target), access, err
}

const deviceHint = "write HOST[:CONTAINER][:rwm], as in --device /dev/fuse:/dev/fuse:rw"

// isDeviceAccess reports whether word is what a device rule allows: read, write, mknod.
func isDeviceAccess(word string) bool { return word != "" && strings.Trim(word, "rwm") == "" }

// addDeviceRules adds the rules of --device-cgroup-rule: TYPE MAJOR:MINOR ACCESS, where *
// is any number.
func (b *builder) addDeviceRules() error {
	for _, word := range b.o.DeviceRules {
		fields := strings.FieldsFunc(word, func(r rune) bool { return r == ' ' || r == ':' })
		valid := len(fields) == 4 && slices.Contains([]string{"a", "b", "c"}, fields[0]) && isDeviceAccess(fields[3])
		var numbers [2]*int64
		for i := 0; valid && i < 2; i++ {
			if fields[1+i] == "*" {
				continue
			}
			n, err := strconv.ParseUint(fields[1+i], 10, 32)
			numbers[i], valid = new(int64(n)), err == nil
		}
		if !valid {
			return hint.New(fmt.Errorf("--device-cgroup-rule %q: not TYPE MAJOR:MINOR ACCESS", word),
				"write as in --device-cgroup-rule 'c 10:* rwm'")
		}
		b.allowDevice(specs.LinuxDeviceCgroup{
			Type: fields[0], Major: numbers[0], Minor: numbers[1], Access: fields[3],
		})
	}
	return nil
}

func (b *builder) allowDevice(rule specs.LinuxDeviceCgroup) {
	rule.Allow = true
	b.spec.Linux.Resources.Devices = append(b.spec.Linux.Resources.Devices, rule)
}
