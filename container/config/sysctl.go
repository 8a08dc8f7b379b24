package config

import (
	"fmt"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
)

func (c *config) setSysctls() error {
	for _, word := range c.o.Sysctls {
		name, value, found := strings.Cut(word, "=")
		if !found {
			return hint.New(fmt.Errorf("--sysctl %q: no value", word), "write NAME=VALUE")
		}
		if err := compile.CheckSysctl(name, value, c.own); err != nil {
			return fmt.Errorf("--sysctl %q: %w", word, err)
		}
		if c.spec.Linux.Sysctl == nil {
			c.spec.Linux.Sysctl = map[string]string{}
		}
		c.spec.Linux.Sysctl[name] = value
	}
	return nil
}
