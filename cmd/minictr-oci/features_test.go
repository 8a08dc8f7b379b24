package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// compiles reports whether the default config with a change compiles without a warning.
func compiles(t *testing.T, change func(*specs.Spec)) bool {
	t.Helper()
	spec := &specs.Spec{}
	testkit.Check(t, json.Unmarshal(defaultConfig, spec))
	spec.Linux.CgroupsPath = "/web"
	change(spec)
	p, err := compile.Compile(spec, compile.Options{Cgroup2: "/sys/fs/cgroup", Arch: "amd64",
		NetDevices: map[string]compile.NetDevice{"eth7": {Index: 7}}})
	return err == nil && len(p.Warnings) == 0
}

func TestDefaultConfigCompiles(t *testing.T) {
	if !compiles(t, func(*specs.Spec) {}) {
		t.Error("no plan can be made of it")
	}
	spec := &specs.Spec{}
	data, err := rootless(defaultConfig, 1000, 1000)
	if err == nil {
		err = json.Unmarshal(data, spec)
	}
	testkit.Check(t, err)
	if _, err := compile.Compile(spec, compile.Options{}); err != nil {
		t.Errorf("--rootless: %v", err)
	}
}

// TestFeatures: features lists exactly what the compiler accepts.
func TestFeatures(t *testing.T) {
	const unheard = "UNHEARD_OF"
	f := implemented()
	option := func(kind, name string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			m := specs.Mount{Destination: "/mnt", Type: kind, Source: "/src", Options: []string{name}}
			if strings.HasSuffix(name, "idmap") {
				m.UIDMappings = []specs.LinuxIDMapping{{HostID: 1000, Size: 1}}
				m.GIDMappings = m.UIDMappings
			}
			s.Mounts = append(s.Mounts, m)
		}
	}
	seccomp := func(change func(s *specs.LinuxSeccomp, call *specs.LinuxSyscall)) func(*specs.Spec) {
		return func(s *specs.Spec) {
			call := specs.LinuxSyscall{Names: []string{"getpid"}, Action: specs.ActErrno}
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActAllow}
			change(s.Linux.Seccomp, &call)
			s.Linux.Seccomp.Syscalls = []specs.LinuxSyscall{call}
		}
	}
	capability := func(name string) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Process.Capabilities.Bounding = []string{name} }
	}
	for kind, c := range map[string]struct {
		listed []string
		others string
		use    func(name string) func(*specs.Spec)
	}{
		"namespace": {f.Linux.Namespaces, "", func(name string) func(*specs.Spec) {
			return func(s *specs.Spec) {
				own := specs.LinuxNamespace{Type: specs.LinuxNamespaceType(name)}
				if !slices.Contains(s.Linux.Namespaces, own) {
					s.Linux.Namespaces = append(s.Linux.Namespaces, own)
				}
				if name == "user" {
					s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 100000, Size: 65536}}
					s.Linux.GIDMappings = s.Linux.UIDMappings
				}
			}
		}},
		"capability": {f.Linux.Capabilities, "", capability},
		"action": {f.Linux.Seccomp.Actions, "", func(name string) func(*specs.Spec) {
			return seccomp(func(s *specs.LinuxSeccomp, call *specs.LinuxSyscall) {
				call.Action = specs.LinuxSeccompAction(name)
				if call.Action == specs.ActNotify {
					s.ListenerPath = "/run/listener"
				}
			})
		}},
		"operator": {f.Linux.Seccomp.Operators, "", func(name string) func(*specs.Spec) {
			return seccomp(func(_ *specs.LinuxSeccomp, call *specs.LinuxSyscall) {
				call.Args = []specs.LinuxSeccompArg{{Op: specs.LinuxSeccompOperator(name)}}
			})
		}},
		"arch": {f.Linux.Seccomp.Archs, "", func(name string) func(*specs.Spec) {
			return seccomp(func(s *specs.LinuxSeccomp, _ *specs.LinuxSyscall) {
				s.Architectures = []specs.Arch{specs.Arch(name)}
			})
		}},
		"seccomp flag": {f.Linux.Seccomp.SupportedFlags, "SECCOMP_FILTER_FLAG_NEW_LISTENER",
			func(name string) func(*specs.Spec) {
				return seccomp(func(s *specs.LinuxSeccomp, call *specs.LinuxSyscall) {
					s.Flags = []specs.LinuxSeccompFlag{specs.LinuxSeccompFlag(name)}
					if s.Flags[0] == specs.LinuxSeccompFlagWaitKillableRecv {
						call.Action, s.ListenerPath = specs.ActNotify, "/run/listener"
					}
				})
			}},
		"memory policy": {f.Linux.MemoryPolicy.Modes, "", func(name string) func(*specs.Spec) {
			return func(s *specs.Spec) {
				p := &specs.LinuxMemoryPolicy{Mode: specs.MemoryPolicyModeType(name)}
				if p.Mode != specs.MpolDefault && p.Mode != specs.MpolLocal {
					p.Nodes = "0"
				}
				s.Linux.MemoryPolicy = p
			}
		}},
		"memory policy flag": {f.Linux.MemoryPolicy.Flags, "", func(name string) func(*specs.Spec) {
			return func(s *specs.Spec) {
				s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{
					Mode: specs.MpolBind, Nodes: "0",
					Flags: []specs.MemoryPolicyFlagType{specs.MemoryPolicyFlagType(name)},
				}
			}
		}},
	} {
		for _, name := range append(strings.Fields(c.others), unheard) {
			if slices.Contains(c.listed, name) {
				t.Errorf("%s %s is listed", kind, name)
			}
			if compiles(t, c.use(name)) {
				t.Errorf("%s %s is not listed, and compiles", kind, name)
			}
		}
		for _, name := range c.listed {
			if !compiles(t, c.use(name)) {
				t.Errorf("%s %s is listed, and does not compile", kind, name)
			}
		}
	}
	for _, name := range f.MountOptions {
		if !compiles(t, option("bind", name)) && !compiles(t, option("tmpfs", name)) {
			t.Errorf("mount option %s is listed, and does not compile", name)
		}
	}
	if compiles(t, option("bind", unheard)) {
		t.Errorf("mount option %s compiles", unheard)
	}
}

// TestFeaturesOnOff: so do the features that are on or off as a whole.
func TestFeaturesOnOff(t *testing.T) {
	f := implemented().Linux
	for name, c := range map[string]struct {
		on  bool
		use func(*specs.Spec)
	}{
		"apparmor": {*f.Apparmor.Enabled, func(s *specs.Spec) { s.Process.ApparmorProfile = "unconfined" }},
		"selinux": {*f.Selinux.Enabled, func(s *specs.Spec) {
			s.Process.SelinuxLabel = "system_u:system_r:container_t:s0"
		}},
		"intelRdt": {*f.IntelRdt.Enabled, func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{ClosID: "a"} }},
		"netDevices": {*f.NetDevices.Enabled, func(s *specs.Spec) {
			s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth7": {}}
		}},
		"rdma": {*f.Cgroup.Rdma, func(s *specs.Spec) {
			rdma := map[string]specs.LinuxRdma{"mlx5_0": {HcaHandles: new(uint32(3))}}
			s.Linux.Resources = &specs.LinuxResources{Rdma: rdma}
		}},
		"idmap": {*f.MountExtensions.IDMap.Enabled, func(s *specs.Spec) {
			ids := []specs.LinuxIDMapping{{HostID: 1000, Size: 1}}
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/mnt", Type: "bind", Source: "/src", UIDMappings: ids,
				GIDMappings: ids})
		}},
	} {
		testkit.Equal(t, name+": compiled, listed", compiles(t, c.use), c.on)
	}
}
