// Another process in a container that runs: `exec`, and hooks. No new namespace, no
// mount: the process joins what is there, and from then on the list is the same as for
// the container's first process: confine, execve.

package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const inside = plan.Ref("inside") // the container's root

// Exec returns the plan that starts spec.Process in a running container,
// of which spec is the config otherwise. options.Join says which.
func Exec(spec *specs.Spec, o Options) (*plan.Plan, error) {
	if o.Join == nil {
		return nil, errors.New("exec: no container to join")
	}
	if err := checkProcess(spec.Process); err != nil {
		return nil, err
	}
	filter, warnings, err := readFilter(spec, o.Arch)
	if err != nil {
		return nil, err
	}
	o.Cgroup2 = o.Join.Cgroup
	b := newBuilder(spec, o, filter, nil)
	b.plan.Warnings = warnings
	return b.compile(
		b.enterCgroup,
		b.holdRoot,
		b.enterTerminal,
		b.makeNull,
		b.makeTrampoline,
		b.initialAffinity,
		b.clone,
		b.hostFiles,
		b.finalAffinity,
		b.session,
		b.enterHeldRoot,
		b.nullStreams,
		b.confine,
		b.execve,
	)
}

// Hook returns the plan that runs a hook (runtime-spec, config.md, "POSIX-platform Hooks"), in
// the runtime's namespaces, or, with options.Join, in the container's. It is a program of the
// host, and starts in the bundle. One that runs when the container has left the host's root,
// startContainer, is a program of the image: it is confined as the container's program is, and
// starts in the same directory, and, if its entry has no environment, with the same one.
func Hook(h *specs.Hook, bundle string, spec *specs.Spec, o Options) (*plan.Plan, error) {
	if err := checkHook(h); err != nil {
		return nil, err
	}
	o.Program, o.Stdio = h.Path, [3]bool{true, true, true}
	s := &specs.Spec{Process: &specs.Process{Cwd: bundle, Env: h.Env}}
	confined := o.Join != nil && !o.Join.Early
	if confined {
		whole, process := *spec, *spec.Process
		whole.Process, s = &process, &whole
		process.Terminal, process.ExecCPUAffinity, whole.Hooks = false, nil, nil
		if len(h.Env) > 0 {
			process.Env = h.Env
		}
	}
	s.Process.Args = h.Args
	if len(h.Args) == 0 {
		s.Process.Args = []string{h.Path}
	}
	if confined {
		return Exec(s, o)
	}
	o.Cgroup2 = ""
	if o.Join != nil {
		o.Cgroup2 = o.Join.Cgroup
		l := spec.Linux
		s.Linux = &specs.Linux{Namespaces: l.Namespaces, UIDMappings: l.UIDMappings, GIDMappings: l.GIDMappings}
	}
	b := newBuilder(s, o, nil, nil)
	return b.compile(
		b.enterCgroup,
		b.makeTrampoline,
		b.clone,
		b.session,
		b.enterBundle,
		b.execve,
	)
}

// Last returns the end of the list, the steps of the trampoline: what is left for a
// container that was created, and waits there. options are those of Compile.
func Last(spec *specs.Spec, o Options) (*plan.Plan, error) {
	b := newBuilder(spec, o, nil, nil)
	if o.Stops { // the filter decides whether there are any
		filter, _, err := readFilter(spec, o.Arch)
		if err != nil {
			return nil, err
		}
		b.shape.filter = filter
	}
	return b.compile(b.trampoline)
}

// enterCgroup holds the cgroup that the process begins in.
func (b *builder) enterCgroup() error {
	if cgroup := b.shape.options.Cgroup2; cgroup != "" {
		b.begin("cgroup", "linux.cgroupsPath")
		b.host("the container's cgroup",
			call.Openat("", cgroup, unix.O_PATH|unix.O_DIRECTORY).As(cgroupFd))
	}
	return nil
}

// holdRoot holds the root of the container's first process.
func (b *builder) holdRoot() error {
	if !b.shape.joinsRoot && !b.spec.Process.Terminal {
		return nil
	}
	b.begin("root", "root")
	b.host("open the container's root",
		call.Openat("", fmt.Sprintf("/proc/%d/root", b.shape.options.Join.Pid),
			unix.O_PATH|unix.O_DIRECTORY).As(inside))
	b.host("fail if the process has exited: its pid could be reused", call.PidfdSendSignal(plan.Init, 0))
	return nil
}

// enterHeldRoot makes it this process's root as well. setns(2) leads to the root of the
// mount namespace: that is another one, the host's, if the container has its root by
// chroot(2), or if the command that made it was in a chroot.
func (b *builder) enterHeldRoot() error {
	if !b.shape.joinsRoot {
		return nil
	}
	b.begin("root", "root")
	b.container("change to the root of the container's first process", call.Fchdir(inside))
	b.container("make it the root of this process", call.Chroot("."))
	return nil
}

// enterTerminal makes a pair in the container's own devpts. Its directory is held
// and has to be a devpts, so that no file that the container has put there is
// opened for one.
func (b *builder) enterTerminal() error {
	const pts = plan.Ref("pts")
	if !b.spec.Process.Terminal {
		return nil
	}
	b.begin("terminal", "process.terminal")
	b.host("open the container's devpts; follow no symbolic link",
		call.Openat2(inside, "dev/pts", unix.O_PATH|unix.O_DIRECTORY,
			unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS).As(pts))
	b.host("fail if it is not devpts: the host opens a file in it",
		call.FstatfsIs(pts, unix.DEVPTS_SUPER_MAGIC, "DEVPTS_SUPER_MAGIC", false))
	return openTerminal(&b.list, pts, b.spec, b.shape.options.PlainNewlines)
}
