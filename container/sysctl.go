package container

// Sysctls: kernel settings that a namespace keeps a copy of.
//
// /proc/sys mixes settings of the whole machine with settings of a namespace,
// and only the second kind is a container's to change. So each name is held
// against a short list, and counts only when the container has that namespace
// to itself. A name is words joined by single dots: with a slash or ".." it
// could be another file, and "+" once let one setting smuggle in the next
// (CVE-2022-0811).

import (
	"errors"
	"fmt"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func (c *config) setSysctls() error {
	for _, word := range c.o.Sysctls {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return hint.New(fmt.Errorf("--sysctl %q: no value", word), "write NAME=VALUE")
		}
		if err := c.checkSysctl(name, value); err != nil {
			return fmt.Errorf("--sysctl %q: %w", word, err)
		}
		if c.spec.Linux.Sysctl == nil {
			c.spec.Linux.Sysctl = map[string]string{}
		}
		c.spec.Linux.Sysctl[name] = value
	}
	return nil
}

func (c *config) checkSysctl(name, value string) error {
	if !isWord(name) || strings.Contains("."+name+".", "..") {
		return errors.New("name is not words joined by dots")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r == '+' || r < ' ' && r != '\t' || r > '~' }) {
		return errors.New("value holds a control byte or a +")
	}
	kind, ok := sysctlNamespace(name)
	if !ok {
		return hint.New(errors.New("belongs to the whole machine, not to a namespace"),
			"a container may set net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* and kernel.domainname")
	}
	if !c.own(kind) {
		return fmt.Errorf("belongs to the %s namespace, and that is the host's here", kind)
	}
	return nil
}

// sysctlNamespace is the namespace that has its own copy of a setting
// (namespaces(7), ipc_namespaces(7), network_namespaces(7)).
func sysctlNamespace(name string) (specs.LinuxNamespaceType, bool) {
	switch name {
	case "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced":
		return specs.IPCNamespace, true
	case "kernel.domainname":
		return specs.UTSNamespace, true
	}
	switch {
	case strings.HasPrefix(name, "fs.mqueue."):
		return specs.IPCNamespace, true
	case strings.HasPrefix(name, "net."):
		return specs.NetworkNamespace, true
	}
	return "", false
}
