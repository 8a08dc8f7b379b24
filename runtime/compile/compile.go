// Core 6 of 28: the parts of a plan, in their order
//
// Each part of a plan is written by a method of builder. Compile calls them in order, and
// the files that follow explain them in this order. A part that the config does not ask
// for adds no step; functions that a plain container never needs are in files oci_*.go.
//
// Options (options.go) hold what the config does not say. The most used are:
//
//	Root         the image's layers, to be stacked by overlayfs; nil: root.path is the root
//	Cgroup2      the directory where the host has mounted cgroup2, "" for no cgroup
//	Stdio, Null  standard streams that the caller provides, or that are /dev/null
//	Join         a running container that this process joins (exec), nil for a new one
//	Outlive      the process continues to run when minictr exits
//	Wait         the container is only created; another command starts it

package compile

import (
	"fmt"
	"runtime"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Compile returns the plan of the container that an OCI config describes (runtime-spec,
// config.md and config-linux.md). A field that is not implemented, or that contradicts
// another, is an error that names it.
func Compile(spec *specs.Spec, o Options) (*plan.Plan, error) {
	// check the config
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
	mounts, err := parseMounts(spec)
	if err != nil {
		return nil, err
	}
	filter, warnings, err := readFilter(spec, o.Arch)
	if err != nil {
		return nil, err
	}

	// write the steps
	b := newBuilder(spec, o, filter, mounts)
	b.plan.Warnings = warnings
	return b.compile(
		// the host prepares what the container's process needs
		b.cgroup,
		b.makeRoot,
		b.sources,
		b.terminal,
		b.makeTrampoline,

		// the container's process, the child, begins; it makes most of the calls from here on
		b.clone,
		b.moveNetDevices,
		b.session,
		b.awaitNetDevices,
		b.setUpNamespaces,

		// the child makes its filesystems and changes its root
		b.filesystems,
		b.sysctl,
		b.pivot,
		b.attach,
		b.makeWorkingDirectory,
		b.setUpDev,
		b.nullStreams,
		b.maskPaths,
		b.runHooks,
		b.askHome,

		// it gives up privileges, and becomes the program
		b.confine,
		b.execve,
	)
}

// readFilter compiles linux.seccomp, the filter of system calls (filter.go), and returns
// nil if there is none. A rule for a system call of unknown name is left out (oci_seccomp.go).
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
	if warnings, err = unknownCalls(spec, f.Unknown); err != nil {
		return nil, nil, err
	}
	return f, warnings, checkListener(s, f.Notify)
}
