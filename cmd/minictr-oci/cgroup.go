package main

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/urfave/cli/v2"
)

// Values of --cgroup-manager. podman --cgroups=disabled asks for noCgroup.
const (
	cgroupfs  = "cgroupfs" // a directory that minictr-oci makes
	bySystemd = "systemd"  // a scope
	noCgroup  = "disabled" // the container stays in the caller's
)

func checkManager(name string) error {
	switch name {
	case cgroupfs, bySystemd, noCgroup:
		return nil
	}
	return fmt.Errorf("--cgroup-manager %q: not one of %s, %s, %s", name, cgroupfs, bySystemd, noCgroup)
}

// cgroupManager returns who makes the container's cgroup.
func cgroupManager(c *cli.Context) string {
	if c.Bool("systemd-cgroup") {
		return bySystemd
	}
	return c.String("cgroup-manager")
}

// setMount sets where the container's cgroup is made; without one it stays in the caller's.
func setMount(o *runtime.ProcessOptions, manager string) (err error) {
	if manager == noCgroup {
		o.CallerCgroup, err = runtime.CallerCgroup()
	} else {
		o.Cgroup2, err = cgroup.Mount()
	}
	return err
}

// setCgroup sets a cgroup path where the config has none, or asks systemd for the cgroup.
func (b *bundle) setCgroup(manager, id string) error {
	if b.spec.Linux == nil {
		b.spec.Linux = &specs.Linux{}
	}
	switch linux := b.spec.Linux; {
	case manager == bySystemd && !cgroup.Systemd():
		return hint.New(errors.New("--systemd-cgroup: systemd is not the first process of this machine"),
			"podman --cgroup-manager=cgroupfs; docker: native.cgroupdriver=cgroupfs; containerd: SystemdCgroup=false")
	case manager == bySystemd:
		return b.options.InScope(b.spec, id)
	case manager == noCgroup:
		withoutDeviceRules(linux)
	case linux.CgroupsPath == "":
		linux.CgroupsPath = "/minictr/" + id
	default:
		b.options.GivenCgroup = true
	}
	return nil
}

// withoutDeviceRules leaves out the device rules, which belong to a cgroup: every engine writes
// some. Limits are refused (compile).
func withoutDeviceRules(linux *specs.Linux) {
	if linux.Resources == nil || len(linux.Resources.Devices) == 0 {
		return
	}
	warn(errors.New("linux.resources.devices: not enforced, for the container has no cgroup"))
	limits := *linux.Resources
	limits.Devices = nil
	linux.Resources = &limits
}
