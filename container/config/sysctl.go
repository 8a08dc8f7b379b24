package config

// A sysctl is a kernel parameter (sysctl(8)). Package compile lists those that belong to
// a namespace (oci_sysctl.go); the others would change the host, and are refused.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// setSysctls sets those sysctls that a namespace of the container owns: docker's defaults, and
// those of the flags.
func (b *builder) setSysctls() error {
	b.setDefaultSysctls()
	for _, word := range b.o.Sysctls {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return hint.New(fmt.Errorf("--sysctl %q: no value", word), "write NAME=VALUE")
		}
		if err := compile.CheckSysctl(name, value, b.hasNamespace); err != nil {
			return fmt.Errorf("--sysctl %q: %w", word, err)
		}
		b.setSysctl(name, value)
	}
	return nil
}

// setDefaultSysctls lets any user of the container listen on ports below 1024 and use ping,
// without the capabilities that these took in its own network namespace. Groups that ping
// need be valid on the host, too, so in a user namespace that is left out.
func (b *builder) setDefaultSysctls() {
	procfs := func(m specs.Mount) bool { return m.Type == "proc" }
	if !b.hasNamespace(specs.NetworkNamespace) || !slices.ContainsFunc(b.spec.Mounts, procfs) {
		return
	}
	b.setSysctl("net.ipv4.ip_unprivileged_port_start", "0")
	if !b.hasNamespace(specs.UserNamespace) {
		b.setSysctl("net.ipv4.ping_group_range", "0 2147483647")
	}
}

func (b *builder) setSysctl(name, value string) {
	if b.spec.Linux.Sysctl == nil {
		b.spec.Linux.Sysctl = map[string]string{}
	}
	b.spec.Linux.Sysctl[name] = value
}
