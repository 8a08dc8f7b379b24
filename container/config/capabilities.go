package config

// Capabilities are the privileges of root, divided into 41 units (capabilities(7)).
//
// A container gets 11 of them: enough to install packages, and to run servers as other
// users, inside its own namespaces. Docker's default set also has MKNOD, NET_RAW and
// AUDIT_WRITE, which --cap-add grants. The bounding set limits what execve(2) can grant.
// A capability in the inheritable or ambient set could survive execve(2) as an ordinary
// user.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// defaultCapabilities are podman's, in the kernel's order.
var defaultCapabilities = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE",
	"CAP_SYS_CHROOT", "CAP_SETFCAP",
}

// allCapabilities are linux/capability.h's, by number.
var allCapabilities = [...]string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER",
	"CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE",
	"CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE",
	"CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD",
	"CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
	"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
}

// setCapabilities sets the bounding set and, for root, the same effective and permitted
// sets; the inheritable and ambient sets stay empty (HARDENING.md, row 8).
func (b *builder) setCapabilities() error {
	add, err := parseCapabilities("--cap-add", b.o.CapAdd)
	if err != nil {
		return err
	}
	drop, err := parseCapabilities("--cap-drop", b.o.CapDrop)
	if err != nil {
		return err
	}
	caps := b.chooseCapabilities(add, drop)
	b.spec.Process.Capabilities = &specs.LinuxCapabilities{Bounding: caps}
	grantCapabilities(b.spec.Process)
	return nil
}

// chooseCapabilities applies docker's rules: an addition wins over a drop; with
// --cap-add ALL only the drops count. ALL is every capability that the host has, and so
// is the default of --privileged, from which docker drops nothing, and podman as here.
func (b *builder) chooseCapabilities(add, drop []string) []string {
	var caps []string
	for n, name := range allCapabilities {
		has := slices.Contains(defaultCapabilities[:], name)
		owned := b.host.Capabilities&(1<<n) != 0
		if b.o.Privileged {
			has = owned
		}
		switch {
		case slices.Contains(add, "ALL"):
			has = owned && !slices.Contains(drop, name)
		case slices.Contains(add, name):
			has = true
		case slices.Contains(drop, "ALL"), slices.Contains(drop, name):
			has = false
		}
		if has {
			caps = append(caps, name)
		}
	}
	return caps
}

// parseCapabilities returns names in their full spelling: net_raw is CAP_NET_RAW.
func parseCapabilities(flag string, words []string) ([]string, error) {
	var names []string
	for _, word := range words {
		name := strings.ToUpper(word)
		if name != "ALL" {
			name = "CAP_" + strings.TrimPrefix(name, "CAP_")
			if !slices.Contains(allCapabilities[:], name) {
				return nil, hint.New(fmt.Errorf("%s %q: no such capability", flag, word),
					"use a name of capabilities(7), as in NET_RAW, or ALL")
			}
		}
		names = append(names, name)
	}
	return names, nil
}
