package runtime

// A label of a security module that this kernel does not run would have no effect. As with
// crun that is no error, for an engine may set them on every machine; warn receives which.

import (
	"errors"

	"github.com/minictr/minictr/internal/lsm"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// withoutLabels returns the config of a new container without such labels.
func withoutLabels(spec *specs.Spec, warn func(error)) *specs.Spec {
	s := *spec
	s.Process = withoutProcessLabels(s.Process, warn)
	if s.Linux != nil && s.Linux.MountLabel != "" && !lsm.SELinux() {
		linux := *s.Linux
		s.Linux = &linux
		drop(&linux.MountLabel, "linux.mountLabel", "SELinux", warn)
	}
	return &s
}

// withoutProcessLabels returns a process without such labels; nil for nil.
func withoutProcessLabels(p *specs.Process, warn func(error)) *specs.Process {
	if p == nil || p.ApparmorProfile+p.SelinuxLabel == "" {
		return p
	}
	process := *p
	if !lsm.AppArmor() {
		drop(&process.ApparmorProfile, "process.apparmorProfile", "AppArmor", warn)
	}
	if !lsm.SELinux() {
		drop(&process.SelinuxLabel, "process.selinuxLabel", "SELinux", warn)
	}
	return &process
}

func drop(label *string, field, module string, warn func(error)) {
	if *label != "" {
		*label = ""
		warn(errors.New(field + ": this kernel does not run " + module + ", ignored"))
	}
}
