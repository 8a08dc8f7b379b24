package config

// With no_new_privs, execve(2) grants no privileges, not even those of a set-user-ID
// program (prctl(2)). It is set by default; in docker it is not. A seccomp filter
// restricts the system calls of the container: by docker's profile, or by that of a file.
// --privileged sets neither, unless --security-opt does.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/seccomp"
)

// setSecurity sets no_new_privs and the seccomp filter.
func (b *builder) setSecurity() error {
	b.spec.Process.NoNewPrivileges = !b.o.Privileged
	profile := "builtin"
	if b.o.Privileged {
		profile = "unconfined"
	}
	for _, word := range b.o.SecurityOpt {
		key, value := cutOption(word)
		var err error
		switch {
		case key == "no-new-privileges":
			b.spec.Process.NoNewPrivileges, err = parseBool(value)
		case key == "seccomp" && value != "":
			profile = value
		default:
			err = hint.New(errors.New("unknown"), "use seccomp=FILE, seccomp=unconfined or no-new-privileges=false")
		}
		if err != nil {
			return fmt.Errorf("--security-opt %q: %w", word, err)
		}
	}
	return b.setSeccomp(profile)
}

// cutOption splits KEY=VALUE, or KEY:VALUE, docker's older form.
func cutOption(word string) (key, value string) {
	if i := strings.IndexAny(word, "=:"); i >= 0 {
		return word[:i], word[i+1:]
	}
	return word, ""
}

// parseBool reads the value of an option that may stand alone: none means true.
func parseBool(word string) (bool, error) {
	if word == "" {
		return true, nil
	}
	on, err := strconv.ParseBool(word)
	if err != nil {
		return false, fmt.Errorf("%q: not true or false", word)
	}
	return on, nil
}

// setSeccomp sets the seccomp filter: none, the default one, or that of a file.
func (b *builder) setSeccomp(profile string) (err error) {
	caps := b.spec.Process.Capabilities.Bounding
	switch profile {
	case "unconfined":
		return nil
	case "builtin":
		b.spec.Linux.Seccomp = seccomp.Default(b.host.Arch, caps)
		return nil
	}
	data, err := b.host.readFile(profile)
	if err != nil {
		return fmt.Errorf("--security-opt seccomp: %w", err)
	}
	if b.spec.Linux.Seccomp, err = seccomp.Parse(data, b.host.Arch, caps); err != nil {
		return fmt.Errorf("--security-opt seccomp=%q: %w", profile, err)
	}
	return nil
}
