// Beyond a plain container: rules of the seccomp filter for system calls of unknown name

package compile

import (
	"fmt"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/printable"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// failUnknownCall is crun's annotation that makes a system call of unknown name an error.
const failUnknownCall = "run.oci.seccomp_fail_unknown_syscall"

// unknownCalls returns a warning for each system call of unknown name, whose rule cannot be
// compiled, where the filter allows what no rule refuses.
func unknownCalls(spec *specs.Spec, names []string) (warnings []string, err error) {
	if value, set := spec.Annotations[failUnknownCall]; set && value != "0" && len(names) > 0 {
		return nil, hint.New(fmt.Errorf("linux.seccomp: %s: unknown system call", printable.Quote(names[0])),
			"correct its name, or leave out the annotation "+failUnknownCall)
	}
	if action := spec.Linux.Seccomp.DefaultAction; action != specs.ActAllow && action != specs.ActLog {
		return nil, nil
	}
	for _, name := range names {
		warnings = append(warnings,
			fmt.Sprintf("linux.seccomp: %s: unknown system call, ignored", printable.Quote(name)))
	}
	return warnings, nil
}
