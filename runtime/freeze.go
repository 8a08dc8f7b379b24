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

// The door of a container that processes join. From its birth in the container's
// pid namespace to the trampoline a process is the host's: its root, its memory,
// its program. That it may not be dumped keeps others from looking into it, but
// not those with CAP_SYS_PTRACE over the whole machine, which a container without
// a user namespace may have (ptrace(2), "Ptrace access mode checking"). So those
// who live there stand still meanwhile: their cgroup is frozen. The newcomer
// begins in ours, and is put into theirs when there is nothing to see any more.
//
// If this process is killed in between, the next one that asks for the container's
// status finds that nobody holds the door, and thaws it (package state).

// frozen is one that is held, nil for one that need not be.
type frozen struct {
	cgroup string // where the newcomer belongs
	lock   *state.FreezeLock
}

// freeze freezes a container, for a newcomer that belongs into group.
func freeze(f *state.Dir, group string) (*frozen, error) {
	held, err := f.Freeze()
	if err != nil {
		return nil, err
	}
	return &frozen{group, held}, nil
}

// maySeeHost tells whether processes of the container could trace one that is
// still the host's: its first one, and those like the newcomer.
func maySeeHost(spec *specs.Spec, newcomer *specs.Process) bool {
	if spec.Linux == nil {
		return false
	}
	has := func(kind specs.LinuxNamespaceType) bool {
		return slices.ContainsFunc(spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == kind })
	}
	traces := func(p *specs.Process) bool {
		return p != nil && p.Capabilities != nil && slices.Contains(p.Capabilities.Bounding, "CAP_SYS_PTRACE")
	}
	return !has(specs.UserNamespace) && has(specs.PIDNamespace) && (traces(spec.Process) || traces(newcomer))
}

// admit puts the newcomer into the container's cgroup, and lets all go on.
func (d *frozen) admit(w *walk.Walk) error {
	if d == nil {
		return nil
	}
	pid, _ := w.Result(plan.Pid)
	procs := filepath.Join(d.cgroup, "cgroup.procs")
	if err := os.WriteFile(procs, []byte(strconv.Itoa(pid)), 0); err != nil {
		return fmt.Errorf("put process %d into %s: %w", pid, d.cgroup, err)
	}
	return d.thaw()
}

// thaw lets the container's processes go on, if they do not yet.
func (d *frozen) thaw() error {
	if d == nil || d.lock == nil {
		return nil
	}
	held := d.lock
	d.lock = nil
	return held.Release()
}
