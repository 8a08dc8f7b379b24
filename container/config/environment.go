package config

import (
	"slices"
	"strings"
)

// environment is a list of NAME=value, in which each name occurs once.
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
