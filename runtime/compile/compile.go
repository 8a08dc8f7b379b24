// Core 6 of 28: the parts of a plan, in their order
//
// Compile reads as the story of a container: each part is a method, and the files
// that follow explain them in this order. Parts that a plain container has no use
// for add nothing to the list; they are in files called oci_*.go.

package compile

import (
	"fmt"
	"runtime"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Compile returns the plan of the container that an OCI config describes (runtime-spec,
// config.md and config-linux.md). A field that is not implemented, or that contradicts
// another, is an error that names it.
func Compile(spec *specs.Spec, o Options) (*plan.Plan, error) {
	// refuse a config that is wrong
	if spec.Process == nil && o.Wait {
		spec = withoutProgram(spec)
	} else if err := checkProcess(spec.Process); err != nil {
		return nil, err
	}
	if err := check(spec); err != nil {
		return nil, err
	}
	if err := checkHooks(spec.Hooks); err != nil {
		return nil, err
	}
	mounts, err := parseMounts(spec.Mounts)
	if err != nil {
		return nil, err
	}
	filter, warnings, err := readFilter(spec, o.Arch)
	if err != nil {
		return nil, err
	}

	// write the list
	b := newBuilder(spec, o, filter, mounts)
	b.plan.Warnings = warnings
	return b.compile(
		// before there is a second process
		b.cgroup,
		b.makeRoot,
		b.sources,
		b.terminal,
		b.makeTrampoline,

		// there is one from here on, and it makes most of the calls
		b.clone,
		b.giveNetDevices,
		b.session,
		b.awaitNetDevices,
		b.setUpNamespaces,

		// its filesystems
		b.filesystems,
		b.sysctl,
		b.pivot,
		b.attach,
		b.makeWorkingDirectory,
		b.setUpDev,
		b.nullStreams,
		b.maskPaths,
		b.runHooks,

		// what it may do, and its end
		b.confine,
		b.execve,
	)
}

// withoutProgram is a config whose container may be created, but not started.
func withoutProgram(spec *specs.Spec) *specs.Spec {
	s := *spec
	s.Process = &specs.Process{Cwd: "/"}
	return &s
}

// readFilter compiles linux.seccomp; without one it returns nil. Calls that no kernel
// known here has cannot be refused as the config wants it: of these it warns.
func readFilter(spec *specs.Spec, arch string) (f *seccomp.Filter, warnings []string, err error) {
	if spec.Linux == nil || spec.Linux.Seccomp == nil {
		return nil, nil, nil
	}
	if arch == "" {
		arch = runtime.GOARCH
	}
	s := spec.Linux.Seccomp
	if f, err = seccomp.Compile(s, arch); err != nil {
		return nil, nil, fmt.Errorf("linux.seccomp: %w", err)
	}
	if s.DefaultAction == specs.ActAllow || s.DefaultAction == specs.ActLog {
		for _, name := range f.Unknown {
			warnings = append(warnings,
				fmt.Sprintf("linux.seccomp: %s: unknown system call, ignored", printable.Quote(name)))
		}
	}
	return f, warnings, checkListener(s, f.Notify)
}
