package container

// Names of containers, and the name a container gives itself.
//
// A container's name becomes a folder, a cgroup and a word on a terminal, so
// it is made of [a-zA-Z0-9][a-zA-Z0-9_.-]* and nothing else: no slash, no
// leading dot or dash, no control byte. A hostname is written into /etc/hosts
// and into prompts; the kernel takes at most 64 bytes (sethostname(2)).

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

const (
	nameMax     = unix.NAME_MAX // a file's
	hostnameMax = 64
)

// CheckName returns an error unless name can be a container's name or id.
func CheckName(name string) error {
	if len(name) > nameMax {
		return fmt.Errorf("container name of %d bytes: longer than %d", len(name), nameMax)
	}
	if name == "" || !isAlphanumeric(name[0]) || !isWord(name) {
		return hint.New(fmt.Errorf("container name %q: not a name", name),
			"use letters, digits, '_', '.' and '-', and begin with a letter or a digit")
	}
	return nil
}

func (c *config) setNames() error {
	if err := CheckName(c.host.ID); err != nil {
		return err
	}
	if c.o.Name != "" {
		if err := CheckName(c.o.Name); err != nil {
			return err
		}
	}
	if c.o.UTS == "host" {
		if c.o.Hostname != "" {
			return errors.New("--hostname: the host's uts namespace (--uts host) has its name already")
		}
		return nil
	}
	if c.o.Hostname != "" && (len(c.o.Hostname) > hostnameMax || !isWord(c.o.Hostname)) {
		return hint.New(fmt.Errorf("--hostname %q: not a host name", c.o.Hostname),
			"use at most 64 letters, digits, '_', '.' and '-'")
	}
	c.spec.Hostname = hostname(c.o, c.host)
	return nil
}

// hostname is the name the container's processes see: the flag's, the host's
// where a namespace is shared with it, or the first 12 digits of the id.
func hostname(o *Options, host Host) string {
	switch {
	case o.Hostname != "":
		return o.Hostname
	case o.UTS == "host" || o.Network == "host":
		return host.Hostname
	}
	return host.ID[:min(len(host.ID), 12)]
}

func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
