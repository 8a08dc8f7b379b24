package runtime

import (
	"path/filepath"
	goruntime "runtime"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/systemd"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A container in a scope of systemd (package systemd) starts like every other, in a cgroup
// that exists:
//
//	holder    clone3: a process that only waits (compile.Holder)
//	D-Bus     StartTransientUnit: systemd makes the scope, and moves the holder there
//	plan      opens the cgroup, writes the limits, starts the container in it
//	plan.Save the container waits before its program: the holder is killed
//
// If this process is killed in between, the kernel kills the holder with it, and systemd
// removes the empty scope.

// startedScope is the scope of a container that starts; nil for a container without one.
type startedScope struct {
	holder *walk.Walk
	limit  *cgroup.Change // pids.max without the holder
}

// startScope makes the scope that t asks for.
func (t *ProcessOptions) startScope(id string, spec *specs.Spec) (s *startedScope, err error) {
	if t.Scope == nil {
		return nil, nil
	}
	files, err := compile.Limits(spec)
	if err != nil {
		return nil, err
	}
	p, err := compile.Holder(false)
	if err != nil {
		return nil, err
	}
	s = &startedScope{limit: &cgroup.Change{Mount: t.Cgroup2, Group: t.Delegated}}
	for _, f := range files {
		if f.Name == "pids.max" {
			f.Why += "; the holder of the scope has exited"
			s.limit.Files = []cgroup.File{f}
		}
	}
	goruntime.LockOSThread() // whose end kills the holder
	if s.holder, err = walk.Host(p, walk.Caller{}); err != nil {
		return nil, err
	}
	pid, _ := s.holder.Result("holder")
	if err := t.Scope.Start(pid, "minictr container "+id, files, spec.Annotations); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

// tellReserved tells systemd the memory that the plan reserves in the cgroup above the
// container's, if that is a scope.
func (t *ProcessOptions) tellReserved(group string, spec *specs.Spec) error {
	if t.Reserved == nil || t.Delegated == "" || spec.Linux.Resources == nil || spec.Linux.Resources.Memory == nil ||
		spec.Linux.Resources.Memory.Reservation == nil {
		return nil
	}
	sum := strconv.FormatInt(*t.Reserved+*spec.Linux.Resources.Memory.Reservation, 10)
	return tellSystemd(group, []cgroup.File{{Name: "../memory.low", Value: sum, From: "memory.reservation"}})
}

// tellSystemd tells systemd new limits of cgroups that it has made: of the one at path, and
// of the one above it.
func tellSystemd(path string, files []cgroup.File) error {
	var own, above []cgroup.File
	for _, f := range files {
		if name, isAbove := strings.CutPrefix(f.Name, "../"); isAbove {
			f.Name = name
			above = append(above, f)
		} else {
			own = append(own, f)
		}
	}
	if unit := cgroup.Unit(path); unit != "" && len(own) > 0 {
		if err := systemd.SetLimits(unit, own); err != nil {
			return err
		}
	}
	if unit := cgroup.Unit(filepath.Dir(path)); unit != "" && len(above) > 0 {
		return systemd.SetLimits(unit, above)
	}
	return nil
}

// started lets the scope to the container, which is in it.
func (s *startedScope) started() error {
	if s == nil {
		return nil
	}
	s.release()
	if len(s.limit.Files) == 0 {
		return nil
	}
	return applyChange(s.limit, nil)
}

// release kills the holder, once. Without another process in it the scope ends.
func (s *startedScope) release() {
	if s == nil || s.holder == nil {
		return
	}
	if pid, ok := s.holder.Result("holder"); ok {
		unix.Kill(pid, unix.SIGKILL)
		WaitFor(pid)
	}
	s.holder.Close()
	s.holder = nil
}
