package container

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Blame puts the flag in front of the error of a step: a step knows the field
// of the config that asked for it, and who asked for the field is known here.
func Blame(err error, o *config.Options, spec *specs.Spec) error {
	var e *walk.Error
	if !errors.As(err, &e) {
		return err
	}
	if flag := flagOf(e.Step.From, o, spec); flag != "" {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return err
}

func flagOf(field string, o *config.Options, spec *specs.Spec) string {
	for i, m := range spec.Mounts {
		if strings.HasPrefix(field, fmt.Sprintf("mounts[%d]", i)) {
			return mountFlag(m.Destination, o)
		}
	}
	if limit, ok := strings.CutPrefix(field, "linux.resources."); ok {
		return o.Limits.Flag(limit)
	}
	for _, f := range []struct{ field, flag, value string }{
		{"linux.uidMappings", "--userns", o.Userns},
		{"linux.gidMappings", "--userns", o.Userns},
		{"linux.sysctl", "--sysctl", strings.Join(o.Sysctls, " ")},
		{"process.rlimits", "--ulimit", strings.Join(o.Ulimits, " ")},
		{"process.cwd", "--workdir", o.Workdir},
		{"process.user", "--user", o.User},
	} {
		if f.value != "" && strings.HasPrefix(field, f.field) {
			return f.flag + " " + f.value
		}
	}
	return ""
}

// mountFlag finds the flag that put something on dst.
func mountFlag(dst string, o *config.Options) string {
	for _, f := range []struct {
		flag  string
		words []string
	}{{"--volume", o.Volumes}, {"--mount", o.Mounts}, {"--tmpfs", o.Tmpfs}} {
		if i := slices.IndexFunc(f.words, func(w string) bool { return strings.Contains(w, dst) }); i >= 0 {
			return f.flag + " " + f.words[i]
		}
	}
	return ""
}
