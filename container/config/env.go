package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/minictr/minictr/runtime/compile"
)

type environment []string

func (e *environment) set(name, value string) {
	if i := e.index(name); i >= 0 {
		(*e)[i] = name + "=" + value
		return
	}
	*e = append(*e, name+"="+value)
}

func (e *environment) unset(name string) {
	if i := e.index(name); i >= 0 {
		*e = slices.Delete(*e, i, i+1)
	}
}

func (e environment) index(name string) int {
	return slices.IndexFunc(e, func(v string) bool { return strings.HasPrefix(v, name+"=") })
}

func (e environment) get(name string) (string, bool) {
	if i := e.index(name); i >= 0 {
		return e[i][len(name)+1:], true
	}
	return "", false
}

func (c *config) setEnv() error {
	var env environment
	env.set("PATH", compile.DefaultPath)
	env.set("HOSTNAME", hostname(c.o, c.host))
	if c.o.TTY {
		env.set("TERM", "xterm")
	}
	for _, word := range c.image.Env {
		name, value, found := strings.Cut(word, "=")
		if err := checkVariable(name, value, found); err != nil {
			return fmt.Errorf("image variable %q: %w", word, err)
		}
		env.set(name, value)
	}
	c.spec.Process.Env = env
	return c.addEnv()
}

// addEnv adds what the caller says, and HOME.
func (c *config) addEnv() error {
	env := environment(c.spec.Process.Env)
	for _, file := range c.o.EnvFiles {
		if err := c.readEnvFile(&env, file); err != nil {
			return err
		}
	}
	for _, word := range c.o.Env {
		if err := c.setVariable(&env, word); err != nil {
			return fmt.Errorf("--env %q: %w", word, err)
		}
	}
	if value, _ := env.get("HOME"); value == "" {
		env.set("HOME", c.home)
	} else if strings.ContainsAny(value, "\n:") {
		return fmt.Errorf("HOME %q: holds a newline or a colon, which no folder in /etc/passwd can", value)
	}
	c.spec.Process.Env = env
	return nil
}

func (c *config) setVariable(env *environment, word string) error {
	name, value, found := strings.Cut(word, "=")
	if err := checkVariable(name, value, true); err != nil {
		return err
	}
	if !found {
		if value, found = c.host.getenv(name); !found {
			env.unset(name)
			return nil
		}
	}
	env.set(name, value)
	return nil
}

// readEnvFile reads lines of NAME=value or NAME. Empty lines, lines that begin
// with # and space before a name are skipped; a value is taken as it stands,
// quotes and all.
func (c *config) readEnvFile(env *environment, file string) error {
	data, err := c.host.readFile(file)
	if err != nil {
		return fmt.Errorf("--env-file: %w", err)
	}
	text := strings.TrimPrefix(string(data), "\uFEFF")
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, found := strings.Cut(line, "=")
		if err := checkLine(name, value); err != nil {
			return fmt.Errorf("--env-file %q: line %d: %w", file, number, err)
		}
		if !found {
			if value, found = c.host.getenv(name); !found {
				continue
			}
		}
		env.set(name, value)
	}
	return nil
}

func checkLine(name, value string) error {
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return fmt.Errorf("name %q holds a space", name)
	}
	if !utf8.ValidString(name + value) {
		return errors.New("not UTF-8")
	}
	return checkVariable(name, value, true)
}

func checkVariable(name, value string, found bool) error {
	switch {
	case name == "" || !found:
		return errors.New("not NAME=value")
	case strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0):
		return errors.New("holds a NUL byte")
	}
	return nil
}
