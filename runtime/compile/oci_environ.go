// Beyond a plain container: the environment of a config
//
// A config may name a variable twice, and the last value counts, as for runc and crun.
// Nor need it set HOME, which programs rely on: both peers then take the user's home
// directory from /etc/passwd of the container, as it is when all mounts are made. So the
// child waits here until the host has read it, and has written it into the trampoline.

package compile

import (
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Home returns the value of HOME in an environment, "" if it is unset or empty.
func Home(env []string) string {
	for _, e := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(e, "HOME="); ok {
			return value
		}
	}
	return ""
}

// environ returns the environment of a process: the last value of each variable.
func environ(p *specs.Process) []string {
	seen := make(map[string]bool, len(p.Env))
	var env []string
	for _, e := range slices.Backward(p.Env) {
		if name, _, _ := strings.Cut(e, "="); !seen[name] {
			seen[name] = true
			env = append(env, e)
		}
	}
	slices.Reverse(env)
	return env
}

// askHome waits until the host has looked up HOME.
func (b *builder) askHome() error {
	if b.shape.options.AskHome {
		b.begin("home", "process.env")
		b.sync("tell the host to read HOME from /etc/passwd: the root is complete", plan.Home)
	}
	return nil
}
