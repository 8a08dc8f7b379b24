package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/seccomp"
)

func (c *config) setSecurity() error {
	c.spec.Process.NoNewPrivileges = !c.o.Privileged
	profile := "builtin"
	if c.o.Privileged {
		profile = "unconfined"
	}
	for _, word := range c.o.SecurityOpt {
		key, value := cutOption(word)
		var err error
		switch {
		case key == "no-new-privileges":
			c.spec.Process.NoNewPrivileges, err = parseSwitch(value)
		case key == "seccomp" && value != "":
			profile = value
		default:
			err = hint.New(errors.New("not known"), "use seccomp=FILE, seccomp=unconfined or no-new-privileges=false")
		}
		if err != nil {
			return fmt.Errorf("--security-opt %q: %w", word, err)
		}
	}
	return c.setSeccomp(profile)
}

// cutOption splits KEY=VALUE, or KEY:VALUE as docker wrote it once.
func cutOption(word string) (key, value string) {
	if i := strings.IndexAny(word, "=:"); i >= 0 {
		return word[:i], word[i+1:]
	}
	return word, ""
}

func parseSwitch(word string) (bool, error) {
	if word == "" {
		return true, nil
	}
	on, err := strconv.ParseBool(word)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", word)
	}
	return on, nil
}

func (c *config) setSeccomp(profile string) (err error) {
	caps := c.spec.Process.Capabilities.Bounding
	switch profile {
	case "unconfined":
		return nil
	case "builtin":
		c.spec.Linux.Seccomp = seccomp.Default(c.host.Arch, caps)
		return nil
	}
	data, err := c.host.readFile(profile)
	if err != nil {
		return fmt.Errorf("--security-opt seccomp: %w", err)
	}
	if c.spec.Linux.Seccomp, err = seccomp.Parse(data, c.host.Arch, caps); err != nil {
		return fmt.Errorf("--security-opt seccomp=%q: %w", profile, err)
	}
	return nil
}
