package compile

import (
	"runtime"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Options is what the config does not say: things of the host that the calls
// need, and what the caller wants of the container's process.
type Options struct {
	// Root is where the root filesystem comes from; without it the folder
	// root.path of the config is used.
	Root *Overlay
	// Cgroup2 is where the host has mounted the cgroup2 filesystem.
	Cgroup2 string
	// Count is the controllers that the container's cgroup is to have if it can,
	// though no limit needs them: they count what it uses.
	Count []string
	// Reserved is the memory, in bytes, that is kept for the cgroups beside the
	// container's; the one above, which is theirs alone, gets the sum. nil leaves
	// that one as it is.
	Reserved *int64
	// Arch is the machine's architecture in Go's words; "" is this one's.
	Arch string
	// Stdio names the standard streams (0, 1, 2) for which the caller gives a
	// descriptor called "stdin", "stdout" or "stderr" to package walk. The
	// others are the caller's own. With process.terminal all three are the
	// container's new terminal.
	Stdio [3]bool
	// Null names those that are to lead nowhere: they become the container's own
	// /dev/null.
	Null [3]bool
	// OpenFiles is the limit of open files that the process inherits, where
	// the caller's own is another one. The zero value leaves it alone.
	OpenFiles unix.Rlimit
	// Permitted is the capabilities that the caller has got to give, a bit for each;
	// 0 is all.
	Permitted uint64
	// NetDevices are those of linux.netDevices, by their names on the host.
	NetDevices map[string]NetDevice
	// Outlive is true for a process that lives on when its parent dies. It waits
	// until the parent has written down that it exists (Save).
	Outlive bool
	// Held is true for a process that joins a container whose own processes stand
	// still until it has left our program: it waits for that, too (Save).
	Held bool
	// Wait is true for a container that is created and not yet started: it
	// waits for a byte from Start, and says what failed to Verdict.
	Wait bool
	// PreserveFds is how many descriptors from number 3 on the program inherits.
	PreserveFds int
	// Join is the container that a further process is started in (Exec, Hook).
	Join *Running
	// Program is the file to execute, where it is not the first argument's.
	Program string
	// NoPivot changes the root by chroot(2), which root can leave: for a host
	// that runs from its initramfs, where there is no pivot_root(2).
	NoPivot bool
	// KeepKeyring leaves the process the caller's session keyring.
	KeepKeyring bool
}

const ()

// Names of descriptors that package walk is given, and of results that its
// caller asks for.
const ()

// Compile writes down the calls that make the container of an OCI config
// (runtime-spec, config.md and config-linux.md). A field that is not
// implemented, or that contradicts another, is an error that names it.
func Compile(spec *specs.Spec, o Options) (*plan.Plan, error) {
	if spec.Process == nil && o.Wait {
		spec = withoutProgram(spec)
	} else if err := checkProcess(spec.Process); err != nil {
		return nil, err
	}
	if err := check(spec); err != nil {
		return nil, err
	}
	b := newBuilder(spec, o)
	return b.compile(
		b.readFilter,
		b.cgroup,
		b.makeRoot,
		b.sources,
		b.terminal,
		b.makeTrampoline,
		b.clone,
		b.giveNetDevices,
		b.session,
		b.awaitNetDevices,
		b.names,
		b.filesystems,
		b.sysctl,
		b.pivot,
		b.attach,
		b.makeWorkingDirectory,
		b.furnishDev,
		b.nullStreams,
		b.hide,
		b.hooks,
		b.confine,
		b.exec,
	)
}

// withoutProgram is a config whose container may be created, not started.
func withoutProgram(spec *specs.Spec) *specs.Spec {
	s := *spec
	s.Process = &specs.Process{Cwd: "/"}
	return &s
}

// usualSteps is enough for most: a list that has to grow is copied.
const usualSteps = 400

func newBuilder(spec *specs.Spec, o Options) *builder {
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	b := &builder{spec: spec, linux: spec.Linux, options: o, steps: make([]plan.Step, 0, usualSteps)}
	if b.linux == nil {
		b.linux = &specs.Linux{}
	}
	return b
}

// compile writes down the parts of a plan.
func (b *builder) compile(parts ...func() error) (*plan.Plan, error) {
	for _, part := range parts {
		if err := part(); err != nil {
			return nil, err
		}
	}
	b.plan.Steps = b.steps
	return &b.plan, nil
}

// builder is a plan in the making.
type builder struct {
	spec    *specs.Spec
	linux   *specs.Linux
	options Options

	plan       plan.Plan
	steps      []plan.Step
	filter     *seccomp.Filter // nil for none
	part, from string
	made       []string   // folders that an earlier step has made sure of
	lastCapset *plan.Step // of a process that keeps CAP_SYS_ADMIN until its filter is loaded
}

// begin opens a part of the story; what follows was asked for by from.
func (b *builder) begin(part, from string) { b.part, b.from = part, from }

func (b *builder) host(why string, s plan.Step)      { b.add(plan.Host, why, s) }
func (b *builder) container(why string, s plan.Step) { b.add(plan.Container, why, s) }

func (b *builder) add(side plan.Side, why string, s plan.Step) {
	s.Side, s.Why, s.Part, s.From = side, why, b.part, b.from
	b.steps = append(b.steps, s)
}

// has tells whether the container has a namespace of this kind that is not
// its creator's: a new one, or one that it joins.
func (b *builder) has(kind specs.LinuxNamespaceType) bool {
	return slices.ContainsFunc(b.linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == kind
	})
}

// waits tells whether the child waits for the host on its way to the trampoline.
func (b *builder) waits() bool {
	return b.isNew(specs.UserNamespace) || b.hasHooks() || b.notifies() || b.options.Join == nil && len(b.linux.NetDevices) > 0
}

// session gives the child a clean start: signals, ids, streams, terminal.
func (b *builder) session() error {
	b.begin("session", "process")
	b.container("nohup(1) was meant for the host's process", call.DefaultSignal(unix.SIGHUP))
	b.container("and so was a shell's &: clone3 resets what is caught, not what is ignored", call.DefaultSignal(unix.SIGINT))
	b.container("Go blocked all signals around clone3; the program starts with none blocked", call.UnblockSignals())
	if !b.needsJoiner() { // else the joiner has done it
		b.container("what is reported, the host alone reads: when it is gone, a write fails", call.Close(plan.ReportRead))
	}
	if b.waits() {
		b.container("the other end of the pipe it waits at is the host's alone: if it dies, so does the wait", call.Close(plan.ResumeWrite))
	}
	b.join()
	b.becomeRoot()
	b.container("modes in this list are meant as they are written", call.Umask(0))
	if b.spec.Process.Terminal {
		b.from = "process.terminal"
		for fd, name := range plan.Stdio {
			b.container("the terminal is "+string(name), call.Dup3(tty, plan.Int(fd)))
		}
	} else {
		for fd, name := range plan.Stdio {
			if b.options.Stdio[fd] {
				b.container("the "+string(name)+" that was made for it", call.Dup3(name, plan.Int(fd)))
			}
		}
	}
	b.container("a session of its own: no way to the terminal of the one who started it", call.Setsid())
	if !b.options.KeepKeyring {
		b.container("a keyring of its own: the caller's session keyring is not for it", call.Keyctl().Allow(unix.ENOSYS))
	}
	if b.spec.Process.Terminal {
		b.container("its controlling terminal: Ctrl-C goes here", call.Ioctl(plan.Int(0), "TIOCSCTTY", unix.TIOCSCTTY, plan.Int(0)))
	}
	return nil
}
