package config

// With no_new_privs, execve(2) grants no privileges, not even those of a set-user-ID
// program (prctl(2)). It is set by default; in docker it is not. A seccomp filter
// restricts the system calls of the container: by docker's profile, or by that of a file.
// --privileged sets neither, unless --security-opt does. AppArmor and SELinux confine no
// container of minictr by themselves; an option that would have no effect there is taken.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/seccomp"
)

// setSecurity sets no_new_privs, the AppArmor profile and the seccomp filter.
func (b *builder) setSecurity() error {
	b.spec.Process.NoNewPrivileges = !b.o.Privileged
	profile := "builtin"
	if b.o.Privileged {
		profile = "unconfined"
	}
	for _, word := range b.o.SecurityOpt {
		key, value := cutOption(word)
		var err error
		switch key {
		case "no-new-privileges":
			b.spec.Process.NoNewPrivileges, err = parseBool(value)
		case "seccomp":
			profile = value
		case "apparmor":
			err = b.setAppArmor(value)
		case "label":
			err = b.checkLabel(value)
		case "systempaths": // setMasks
			err = checkSystemPaths(value)
		case "mask", "unmask":
			err = checkPaths(key, value)
		default:
			err = hint.New(errors.New("unknown"), securityHint)
		}
		if err == nil && value == "" && key != "no-new-privileges" {
			err = hint.New(errors.New("no value"), securityHint)
		}
		if err != nil {
			return fmt.Errorf("--security-opt %q: %w", word, err)
		}
	}
	return b.setSeccomp(profile)
}

const securityHint = "use seccomp=FILE|unconfined, no-new-privileges=false, apparmor=PROFILE or systempaths=unconfined"

// setAppArmor sets the profile that the program runs in (apparmor(7)). Without the option
// there is none: unconfined changes nothing.
func (b *builder) setAppArmor(profile string) error {
	switch {
	case profile == "unconfined":
		profile = ""
	case !b.host.AppArmor:
		return hint.New(errors.New("AppArmor does not run on this machine"), "leave it out, or use apparmor=unconfined")
	}
	b.spec.Process.ApparmorProfile = profile
	return nil
}

// checkLabel takes the labels of SELinux, which no container gets, where it does not run.
func (b *builder) checkLabel(value string) error {
	if value == "disable" || !b.host.SELinux {
		return nil
	}
	return hint.New(errors.New("SELinux labels are not supported"), "--security-opt label=disable")
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
