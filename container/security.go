package container

// Security options: what the process can never gain, and which system calls
// it may make.
//
// no_new_privs (prctl(2)) is on unless switched off: execve then gives nobody
// more than they had, setuid or not. Docker leaves it off. Seccomp filters
// system calls by the given profile, docker's by default; --privileged means
// neither, unless a --security-opt says otherwise.

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/minictr/minictr/hint"
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
		return false, hint.New(fmt.Errorf("%q is neither true nor false", word), "write no-new-privileges=false")
	}
	return on, nil
}

func (c *config) setSeccomp(profile string) error { return nil }
