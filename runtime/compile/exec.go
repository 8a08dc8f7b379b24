package compile

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Into a container that runs: `exec`, and hooks. No new namespace, no mount;
// the process joins what is there, and from then on the list is the same as
// for the container's first process: confine, exec.

// Exec writes down the calls that start spec.Process in a running container,
// of which spec is the config otherwise. options.Join says which.
func Exec(spec *specs.Spec, o Options) (*plan.Plan, error) {
	if o.Join == nil {
		return nil, errors.New("exec: no container to join")
	}
	if err := checkProcess(spec.Process); err != nil {
		return nil, err
	}
	b := newBuilder(spec, o)
	return b.compile(
		b.readFilter,
		b.enterCgroup,
		b.holdRoot,
		b.enterTerminal,
		b.makeTrampoline,
		b.initialAffinity,
		b.clone,
		b.hostFiles,
		b.finalAffinity,
		b.session,
		b.enterHeldRoot,
		b.nullStreams,
		b.confine,
		b.exec,
	)
}

// Hook writes down the calls that run a hook (runtime-spec, config.md, "POSIX-
// platform Hooks"), in the runtime's namespaces, or, with options.Join, in the
// container's. It gets the environment of its entry and no other.
func Hook(h *specs.Hook, spec *specs.Spec, o Options) (*plan.Plan, error) {
	o.Program, o.Stdio = h.Path, [3]bool{true, true, true}
	s := &specs.Spec{Process: &specs.Process{Args: h.Args, Env: h.Env, Cwd: "/"}}
	if len(h.Args) == 0 {
		s.Process.Args = []string{h.Path}
	}
	if o.Join != nil {
		s.Linux = &specs.Linux{Namespaces: spec.Linux.Namespaces, UIDMappings: spec.Linux.UIDMappings, GIDMappings: spec.Linux.GIDMappings}
	}
	if err := checkHook(h); err != nil {
		return nil, err
	}
	b := newBuilder(s, o)
	return b.compile(
		b.enterCgroup,
		b.holdRoot,
		b.makeTrampoline,
		b.clone,
		b.session,
		b.enterHeldRoot,
		b.exec,
	)
}

// Last writes down what is left of the list for a container that was created, and
// waits in the trampoline: options are those of Compile.
func Last(spec *specs.Spec, o Options) (*plan.Plan, error) {
	b := newBuilder(spec, o)
	b.plan.StartError = plan.StartError
	return b.compile(b.trampoline)
}

// enterCgroup holds the cgroup that the process begins in.
func (b *builder) enterCgroup() error {
	b.options.Cgroup2 = ""
	if b.options.Join == nil || b.options.Join.Cgroup == "" {
		return nil
	}
	b.begin("cgroup", "linux.cgroupsPath")
	b.host("what the container may use up, this process may too", call.Openat("", b.options.Join.Cgroup, unix.O_PATH|unix.O_DIRECTORY).As(cgroupFd))
	b.options.Cgroup2 = b.options.Join.Cgroup
	return nil
}

const inside = plan.Ref("inside") // the container's root

// sharesMounts tells whether the container has its mount namespace from others.
// Its root is then not that of the namespace, to which setns(2) leads.
func (b *builder) sharesMounts() bool {
	return !b.has(specs.MountNamespace) || b.joins(specs.MountNamespace)
}

// hasOwnRoot tells whether the process that is joined has another root than
// setns(2) leads to.
func (b *builder) hasOwnRoot() bool {
	return b.options.Join != nil && !b.options.Join.Early && b.sharesMounts()
}

// holdRoot holds the root of the container's first process.
func (b *builder) holdRoot() error {
	if !b.hasOwnRoot() && !b.spec.Process.Terminal {
		return nil
	}
	b.begin("root", "root")
	b.host("the container's root, from outside", call.Openat("", fmt.Sprintf("/proc/%d/root", b.options.Join.Pid), unix.O_PATH|unix.O_DIRECTORY).As(inside))
	b.host("was it that process until now? a number may be given to another", plan.Syscall("pidfd_send_signal", unix.SYS_PIDFD_SEND_SIGNAL, plan.Init, plan.Int(0), plan.Null, plan.Int(0)))
	return nil
}

// enterHeldRoot makes it this process's root as well.
func (b *builder) enterHeldRoot() error {
	if !b.hasOwnRoot() {
		return nil
	}
	b.begin("root", "root")
	b.container("where the container's first process has its root,", call.Fchdir(inside))
	b.container("paths begin for this one, too", call.Chroot("."))
	return nil
}

// enterTerminal makes a pair in the container's own devpts. Its folder is held
// and has to be a devpts, so that nothing the container may have put there is
// opened for one.
func (b *builder) enterTerminal() error {
	const pts = plan.Ref("pts")
	if !b.spec.Process.Terminal {
		return nil
	}
	b.begin("terminal", "process.terminal")
	b.host("its terminals; a link here would be a trap", call.Openat2(inside, "dev/pts", unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_SYMLINKS).As(pts))
	b.host("are they? a fake file here would be opened by the host", isOn(pts, "DEVPTS_SUPER_MAGIC", unix.DEVPTS_SUPER_MAGIC, false))
	return b.openTerminal(pts)
}
