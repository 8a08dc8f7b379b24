package config

// A container has an ID, perhaps a name, and a host name, which need not be unique. The
// host name appears in /etc/hostname, in HOSTNAME and in the prompts of shells: so
// --hostname takes only the characters of a name.

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
)

const hostnameMax = 64 // __NEW_UTS_LEN (uname(2))

// setHostname checks the container's names and sets its host name.
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
		switch {
		case b.o.Hostname != "":
			return errors.New("--hostname and --uts host exclude each other")
		case b.o.Domainname != "":
			return errors.New("--domainname and --uts host exclude each other")
		}
		return nil
	}
	if b.o.Domainname != "" && (len(b.o.Domainname) > hostnameMax || !state.IsWord(b.o.Domainname)) {
		return hint.New(fmt.Errorf("--domainname %q: not a domain name", b.o.Domainname),
			"write at most 64 letters, digits, '_', '.' and '-'")
	}
	b.spec.Domainname = b.o.Domainname
	if b.o.Hostname != "" && (len(b.o.Hostname) > hostnameMax || !state.IsWord(b.o.Hostname)) {
		return hint.New(fmt.Errorf("--hostname %q: not a host name", b.o.Hostname),
			"write at most 64 letters, digits, '_', '.' and '-'")
	}
	b.spec.Hostname = hostname(b.o, b.host)
	return nil
}

// hostname returns the host name that the container sees: that of the flag, that of the
// host if the UTS or network namespace is the host's, or the first 12 digits of the ID.
func hostname(o *Options, host Host) string {
	switch {
	case o.Hostname != "":
		return o.Hostname
	case o.UTS == "host" || o.Network == "host":
		return host.Hostname
	}
	return host.ID[:min(len(host.ID), 12)]
}
