package config

// The variables of a process are set in this order:
//   - PATH, HOSTNAME and, with a terminal, TERM
//   - the image's; a NAME without a value unsets it, as in docker
//   - those of --env-file; a NAME that the caller has not set is skipped
//   - those of --env; a NAME that the caller has not set is unset
//   - HOME, if it is unset or empty: the user's home directory in the image's /etc/passwd

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/minictr/minictr/runtime/compile"
)

// setEnv sets the variables of docker's defaults, the image and the flags; the last one
// of a name counts.
func (b *builder) setEnv() error {
	var env environment
	env.set("PATH", compile.DefaultPath)
	env.set("HOSTNAME", hostname(b.o, b.host))
	if b.o.TTY {
		env.set("TERM", "xterm")
	}
	for _, word := range b.image.Env {
		name, value, found := strings.Cut(word, "=")
		if !found {
			env.unset(name)
			continue
		}
		if err := checkVariable(name, value); err != nil {
			return fmt.Errorf("image variable %q: %w", word, err)
		}
		env.set(name, value)
	}
	b.spec.Process.Env = env
	return b.addEnv()
}

// addEnv adds the variables of --env-file and --env, and HOME.
func (b *builder) addEnv() error {
	env := environment(b.spec.Process.Env)
	for _, file := range b.o.EnvFiles {
		if err := b.host.readEnvFile(&env, file); err != nil {
			return err
		}
	}
	for _, word := range b.o.Env {
		if err := b.host.setVariable(&env, word); err != nil {
			return fmt.Errorf("--env %q: %w", word, err)
		}
	}
	if value, _ := env.get("HOME"); value == "" {
		env.set("HOME", b.home)
	} else if strings.ContainsAny(value, "\n:") {
		return fmt.Errorf("HOME %q: contains a newline or a colon", value)
	}
	b.spec.Process.Env = env
	return nil
}

// setVariable reads a word of --env: NAME=value, or NAME for the caller's value. NAME
// without a value of the caller unsets it.
func (h Host) setVariable(env *environment, word string) error {
	name, value, found := strings.Cut(word, "=")
	if err := checkVariable(name, value); err != nil {
		return err
	}
	if !found {
		if value, found = h.getenv(name); !found {
			env.unset(name)
			return nil
		}
	}
	env.set(name, value)
	return nil
}

// readEnvFile sets the variables of a file. Those that have no value there get the
// caller's.
func (h Host) readEnvFile(env *environment, file string) error {
	return h.readPairs("--env-file", file, func(name, value string, found bool) {
		if !found {
			value, found = h.getenv(name)
		}
		if found {
			env.set(name, value)
		}
	})
}

// readPairs reads lines of NAME=value or NAME. It skips empty lines, lines that begin
// with #, and space before a name; a value is taken as it is, with its quotes.
func (h Host) readPairs(flag, file string, set func(name, value string, found bool)) error {
	data, err := h.readFile(file)
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
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
			return fmt.Errorf("%s %q: line %d: %w", flag, file, number, err)
		}
		set(name, value, found)
	}
	return nil
}

func checkLine(name, value string) error {
	if strings.ContainsFunc(name, unicode.IsSpace) {
		return fmt.Errorf("name %q: contains a space", name)
	}
	if !utf8.ValidString(name + value) {
		return errors.New("not UTF-8")
	}
	return checkVariable(name, value)
}

func checkVariable(name, value string) error {
	switch {
	case name == "":
		return errors.New("not NAME=value")
	case strings.ContainsRune(name, 0) || strings.ContainsRune(value, 0):
		return errors.New("contains a NUL byte")
	}
	return nil
}
