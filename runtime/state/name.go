package state

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"golang.org/x/sys/unix"
)

// CheckName returns an error unless name can be the name or the id of a container:
// [a-zA-Z0-9][a-zA-Z0-9_.-]*, of at most NAME_MAX bytes. It becomes the name of a
// directory and of a cgroup, and is printed on terminals.
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
