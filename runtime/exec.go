package runtime

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Exec starts another process in a container: in its namespaces, in its cgroup and under its
// seccomp filter, with the rest as process says. On error nothing of the process is left.
func Exec(f *state.Dir, process *specs.Process, t ProcessOptions) (*Process, error) {
	spec, status, err := execSpec(f, t.IgnorePaused)
	if err != nil {
		return nil, err
	}
	seesHost := maySeeHost(spec, process)
	process = withoutProcessLabels(process, t.Warn)
	spec.Process = process
	// the container, by a pidfd and its cgroup
	if t.FDs == nil {
		t.FDs = map[plan.Ref]int{}
	}
	if t.FDs[plan.Init], err = f.Record.Pidfd(); err != nil {
		return nil, err
	}
	defer unix.Close(t.FDs[plan.Init])
	group, err := execCgroup(&f.Record, t.Cgroup2)
	if err != nil {
		return nil, err
	}
	if t.SubCgroup != "" {
		if group, err = subCgroup(f.Record.Cgroup, t.SubCgroup); err != nil {
			return nil, err
		}
	}
	t.Join = &compile.Running{Pid: f.Record.Pid, Cgroup: group}
	var z *frozen
	if seesHost && group != "" && f.Record.Cgroup != "" {
		if z, err = freeze(f, group, t.IgnorePaused); err != nil {
			return nil, err
		}
		defer z.thaw()
		t.Held, t.Join.Cgroup = true, ""
	}
	if compile.Home(process.Env) == "" {
		withHome := *process
		t.addHome(&withHome, rootOf(f.Record.Pid))
		spec.Process = &withHome
	}
	t.OwnNull = t.Null != [3]bool{} && !process.Terminal && !hasNull(f.Record.Pid)
	// the plan
	p, err := compile.Exec(spec, t.Options)
	if err != nil {
		return nil, err
	}
	t.warn(p.Warnings)
	sync := func(w *walk.Walk, at plan.SyncPoint) error {
		if at == plan.Listen {
			return sendListener(w, spec.Linux.Seccomp, ociState(f, status))
		}
		if err := z.admit(w); err != nil {
			return err
		}
		return t.publish(w)
	}
	return t.launch(p, sync)
}

// execSpec returns the container's config and status; an error if no process can join it
// now, in runc's words. With ignorePaused one can join a paused container, and runs when that
// is resumed.
func execSpec(f *state.Dir, ignorePaused bool) (*specs.Spec, specs.ContainerState, error) {
	status, err := f.Status()
	if err != nil {
		return nil, status, err
	}
	switch {
	case status == specs.StateStopped:
		return nil, status, errors.New("cannot exec in a stopped container")
	case status == state.Paused && !ignorePaused:
		return nil, status, hint.New(errors.New("cannot exec in a paused container"), "resume it first")
	case status == specs.StateCreating:
		return nil, status, errors.New("cannot exec in a container that is being created")
	}
	spec, err := f.Config()
	return spec, status, err
}

// execCgroup returns the cgroup of another process: the container's, as with runc and crun. Where
// that takes none, since the container has moved its processes to cgroups below and enabled
// controllers for them (cgroups(7), "no internal processes"), it is that of the first process.
func execCgroup(r *state.Record, mount string) (string, error) {
	if r.Cgroup != "" {
		enabled, err := os.ReadFile(filepath.Join(r.Cgroup, "cgroup.subtree_control"))
		if err == nil && len(bytes.TrimSpace(enabled)) == 0 {
			return r.Cgroup, nil
		}
	}
	return cgroupOf(r.Pid, mount)
}

// cgroupOf returns the directory of a process's cgroup (cgroups(7)), which may lie below
// the container's; "" without cgroup v2.
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

// CallerCgroup returns the directory of this process's cgroup, "" if cgroup2 is not mounted.
func CallerCgroup() (string, error) {
	mount, err := cgroup.Mount()
	if err != nil {
		return "", nil
	}
	return cgroupOf(os.Getpid(), mount)
}

// hasNull reports whether /dev/null of a process's root is null(4). A container that
// replaces it afterwards gets an error: the plan checks the file that it opens.
func hasNull(pid int) bool {
	root, err := unix.Open(fmt.Sprintf("/proc/%d/root", pid), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(root)
	fd, err := unix.Openat2(root, "dev/null", &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == unix.Mkdev(1, 3)
}

// subCgroup returns the directory of the cgroup name below group.
func subCgroup(group, name string) (string, error) {
	path := filepath.Join(group, name)
	if group == "" || path != group && !strings.HasPrefix(path, group+"/") {
		return "", fmt.Errorf("bad sub cgroup path: %q: not below the container's", name)
	}
	return path, nil
}
