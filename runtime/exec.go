package runtime

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Exec starts another process in a container that is there: in its namespaces
// and in the cgroup of its first process, under its filter, and with what the
// process's own config says besides. On error nothing of it is left.
func Exec(f *state.Dir, process *specs.Process, t ProcessOptions) (*Process, error) {
	spec, status, err := execSpec(f)
	if err != nil {
		return nil, err
	}
	watched := maySeeHost(spec, process)
	spec.Process = process
	if t.FDs == nil {
		t.FDs = map[plan.Ref]int{}
	}
	if t.FDs[plan.Init], err = f.Record.Pidfd(); err != nil {
		return nil, err
	}
	defer unix.Close(t.FDs[plan.Init])
	group, err := cgroupOf(f.Record.Pid, t.Cgroup2)
	if err != nil {
		return nil, err
	}
	if t.SubCgroup != "" {
		if group, err = subCgroup(f.Record.Cgroup, t.SubCgroup); err != nil {
			return nil, err
		}
	}
	t.Join = &compile.Running{Pid: f.Record.Pid, Cgroup: group}
	var d *frozen
	if watched && group != "" && f.Record.Cgroup != "" {
		if d, err = freeze(f, group); err != nil {
			return nil, err
		}
		defer d.thaw()
		t.Held, t.Join.Cgroup = true, ""
	}
	p, err := compile.Exec(spec, t.Options)
	if err != nil {
		return nil, err
	}
	t.warn(p.Warnings)
	stop := func(w *walk.Walk, at plan.SyncPoint) error {
		if at == plan.Listen {
			return sendListener(w, spec.Linux.Seccomp, ociState(f, status))
		}
		if err := d.admit(w); err != nil {
			return err
		}
		return t.publish(w)
	}
	return t.launch(p, stop)
}

// execSpec is the container's config and status; it tells why there can be no such process. The words are runc's.
func execSpec(f *state.Dir) (*specs.Spec, specs.ContainerState, error) {
	status, err := f.Status()
	if err != nil {
		return nil, status, err
	}
	switch status {
	case specs.StateStopped:
		return nil, status, errors.New("cannot exec in a stopped container")
	case state.Paused:
		return nil, status, hint.New(errors.New("cannot exec in a paused container"), "resume it first")
	case specs.StateCreating:
		return nil, status, errors.New("cannot exec in a container that is being created")
	}
	spec, err := f.Config()
	return spec, status, err
}

// cgroupOf is the folder of the cgroup that a process is in (cgroups(7)): of a
// container that made cgroups of its own it may be one of those.
func cgroupOf(pid int, mount string) (string, error) {
	if mount == "" {
		return "", nil
	}
	file, err := os.Open(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if group, ok := strings.CutPrefix(lines.Text(), "0::"); ok {
			return filepath.Join(mount, group), nil
		}
	}
	return "", nil
}

// subCgroup is a cgroup that the container, or somebody for it, has made.
func subCgroup(group, name string) (string, error) {
	path := filepath.Join(group, name)
	if group == "" || path != group && !strings.HasPrefix(path, group+"/") {
		return "", fmt.Errorf("cgroup %q: not below the container's", name)
	}
	return path, nil
}
