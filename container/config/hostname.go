package config

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

const hostnameMax = 64

func (b *builder) setHostname() error {
	if err := state.CheckName(b.host.ID); err != nil {
		return err
	}
	if b.o.Name != "" {
		if err := state.CheckName(b.o.Name); err != nil {
			return err
		}
	}
	if b.o.UTS == "host" {
		if b.o.Hostname != "" {
			return errors.New("--hostname: the host's uts namespace (--uts host) has its name already")
		}
		return nil
	}
	if b.o.Hostname != "" && (len(b.o.Hostname) > hostnameMax || !state.IsWord(b.o.Hostname)) {
		return hint.New(fmt.Errorf("--hostname %q: not a host name", b.o.Hostname),
			"use at most 64 letters, digits, '_', '.' and '-'")
	}
	b.spec.Hostname = hostname(b.o, b.host)
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
