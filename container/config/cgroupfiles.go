package config

// --cgroup-conf sets limits for which docker has no flag: memory.high, memory.min,
// cpu.idle. It names a file of the cgroup and its value, which is written verbatim; the
// config holds both in "unified" (config-linux.md, "Unified"). A file with a line for
// each device, as io.latency, takes a flag for each line.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const oomGroup = "memory.oom.group"

// setCgroupFiles adds the files of --cgroup-conf and, with a memory limit, memory.oom.group:
// when the limit is reached, the kernel kills the whole container.
func (l *Limits) setCgroupFiles(r *specs.LinuxResources, _ Host) error {
	others, err := cgroup.Files(r)
	if err != nil {
		return err
	}
	add := func(name, value string) {
		if r.Unified == nil {
			r.Unified = map[string]string{}
		}
		r.Unified[name] = value
	}
	// the files of --cgroup-conf, unless another flag writes them
	for _, word := range l.CgroupConf {
		name, value, err := parseFile(word)
		if err == nil && slices.ContainsFunc(others, func(f cgroup.File) bool { return f.Name == name }) {
			err = errors.New("another flag sets this file")
		}
		if err != nil {
			return hint.New(fmt.Errorf("--cgroup-conf %q: %w", word, err),
				"write FILE=VALUE, as in memory.high=48m; Documentation/admin-guide/cgroup-v2.rst lists the files")
		}
		if lines, more := r.Unified[name]; more {
			value = lines + "\n" + value
		}
		add(name, value)
	}
	// memory.oom.group, unless it was one of them
	_, given := r.Unified[oomGroup]
	if m := r.Memory; !given && m != nil && m.Limit != nil && *m.Limit > 0 {
		add(oomGroup, "1")
	}
	return nil
}

// parseFile reads FILE=VALUE. It refuses the files cgroup.*, which move, freeze and kill
// processes, but for cgroup.max.depth and cgroup.max.descendants, which are limits.
func parseFile(word string) (name, value string, err error) {
	name, value, _ = strings.Cut(word, "=")
	switch {
	case strings.ContainsFunc(word, unicode.IsControl):
		err = errors.New("contains a control byte")
	case name == "" || value == "":
		err = errors.New("not FILE=VALUE")
	case strings.Contains(name, "/") || !strings.Contains(name, "."):
		err = errors.New("not a cgroup file")
	case strings.HasPrefix(name, "cgroup.") && !strings.HasPrefix(name, "cgroup.max."):
		err = errors.New("not a limit")
	}
	return name, value, err
}
