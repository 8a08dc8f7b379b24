package config

// A sysctl is a kernel parameter (sysctl(8)). Package compile lists those that belong to
// a namespace (oci_sysctl.go); the others would change the host, and are refused.

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
)

// setSysctls sets those sysctls that a namespace of the container owns.
func (b *builder) setSysctls() error {
	for _, word := range b.o.Sysctls {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return hint.New(fmt.Errorf("--sysctl %q: no value", word), "write NAME=VALUE")
		}
		if err := compile.CheckSysctl(name, value, b.hasNamespace); err != nil {
			return fmt.Errorf("--sysctl %q: %w", word, err)
		}
		if b.spec.Linux.Sysctl == nil {
			b.spec.Linux.Sysctl = map[string]string{}
		}
		b.spec.Linux.Sysctl[name] = value
	}
	return nil
}
