package state

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// CheckID returns an error unless id can be the ID of an OCI container: [a-zA-Z0-9_+-]
// [a-zA-Z0-9_+.-]*, of at most NAME_MAX bytes, as crun has it. It becomes the name of a
// directory, where others begin with a dot, and of a cgroup, and is printed on terminals.
func CheckID(id string) error {
	invalid := func(what string) error {
		return hint.New(fmt.Errorf("container ID %q: %s", id, what),
			"use letters, digits, '_', '+', '-' and '.', and do not begin with '.'")
	}
	switch {
	case len(id) > unix.NAME_MAX:
		return fmt.Errorf("container ID of %d bytes: longer than %d", len(id), unix.NAME_MAX)
	case id == "" || id[0] == '.':
		return invalid("invalid")
	}
	for _, c := range id {
		if c != '+' && !IsWord(string(c)) {
			return invalid(fmt.Sprintf("invalid character %q", c))
		}
	}
	return nil
}

// CheckName returns an error unless name can be the name or the ID of a container of
// minictr: [a-zA-Z0-9][a-zA-Z0-9_.-]*, of at most NAME_MAX bytes, as docker has it.
func CheckName(name string) error {
	if len(name) > unix.NAME_MAX {
		return fmt.Errorf("container name of %d bytes: longer than %d", len(name), unix.NAME_MAX)
	}
	if name == "" || !isAlphanumeric(name[0]) || !IsWord(name) {
		return hint.New(fmt.Errorf("container name %q: not a name", name),
			"use letters, digits, '_', '.' and '-', and begin with a letter or a digit")
	}
	return nil
}

// IsWord reports whether s holds only letters, digits, '_', '.' and '-'.
func IsWord(s string) bool {
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
