package runtime

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// A container is frozen while a process that still runs the host's program joins it. From
// clone3(2) to the trampoline the new process has the host's root, memory and program.
// PR_SET_DUMPABLE 0 hides them from the container's processes, but not from those with
// CAP_SYS_PTRACE in the initial user namespace, which a container without a user
// namespace may have (ptrace(2), "Ptrace access mode checking"). So their cgroup is
// frozen meanwhile. The new process starts in the caller's cgroup, and is moved into
// theirs when it has become the trampoline.
//
// If the caller is killed in between, the next command that reads the container's status
// finds the freeze lock free, and thaws the cgroup (package state).

// frozen is a frozen container; nil is one that need not be frozen.
type frozen struct {
	cgroup string // of the new process
	lock   *state.FreezeLock
}

// freeze freezes a container for a new process of the cgroup group. One that is paused stays
// so, with ignorePaused.
func freeze(f *state.Dir, group string, ignorePaused bool) (*frozen, error) {
	lock, err := f.Freeze(ignorePaused)
	if err != nil {
		return nil, err
	}
	return &frozen{group, lock}, nil
}

// maySeeHost reports whether processes of the container could trace one that still runs
// the host's program: its first process, and those with the capabilities of the new one.
func maySeeHost(spec *specs.Spec, process *specs.Process) bool {
	if spec.Linux == nil {
		return false
	}
	has := func(kind specs.LinuxNamespaceType) bool {
		return slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
	traces := func(p *specs.Process) bool {
		return p != nil && p.Capabilities != nil && slices.Contains(p.Capabilities.Bounding, "CAP_SYS_PTRACE")
	}
	return !has(specs.UserNamespace) && has(specs.PIDNamespace) && (traces(spec.Process) || traces(process))
}

// admit moves the new process into its cgroup, and thaws the container.
func (z *frozen) admit(w *walk.Walk) error {
	if z == nil {
		return nil
	}
	pid, _ := w.Result(plan.Pid)
	procs := filepath.Join(z.cgroup, "cgroup.procs")
	if err := os.WriteFile(procs, []byte(strconv.Itoa(pid)), 0); err != nil {
		return fmt.Errorf("move process %d to %s: %w", pid, z.cgroup, err)
	}
	return z.thaw()
}

// thaw thaws the container, once.
func (z *frozen) thaw() error {
	if z == nil || z.lock == nil {
		return nil
	}
	lock := z.lock
	z.lock = nil
	return lock.Release()
}
