package config

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

const hostnameMax = 64

func (c *config) setNames() error {
	if err := state.CheckName(c.host.ID); err != nil {
		return err
	}
	if c.o.Name != "" {
		if err := state.CheckName(c.o.Name); err != nil {
			return err
		}
	}
	if c.o.UTS == "host" {
		if c.o.Hostname != "" {
			return errors.New("--hostname: the host's uts namespace (--uts host) has its name already")
		}
		return nil
	}
	if c.o.Hostname != "" && (len(c.o.Hostname) > hostnameMax || !state.IsWord(c.o.Hostname)) {
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
