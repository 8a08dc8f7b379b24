package plan

import (
	"runtime"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Plan is the list.
type Plan struct {
	Steps []Step
	// Cgroup is the folder of the container's cgroup, "" for none. The step
	// that makes it is number made, from 0.
	Cgroup string
	made   int
	// Warnings tell what the config asked for and does not get, where the spec
	// wants no error.
	Warnings []string
}

// MadeCgroup tells whether a walk that failed at step i had made the cgroup:
// one that was there before is somebody else's.
func (p *Plan) MadeCgroup(i int) bool { return p.Cgroup != "" && i > p.made }

// Options is what the config does not say: things of the host that the calls
// need, and what the caller wants of the container's process.
type Options struct {
	// Root is where the root filesystem comes from; without it the folder
	// root.path of the config is used.
	Root *Overlay
	// Cgroup2 is where the host has mounted the cgroup2 filesystem.
	Cgroup2 string
	// Arch is the machine's architecture in Go's words; "" is this one's.
	Arch string
	// Stdio names the standard streams (0, 1, 2) for which the caller gives a
	// descriptor called "stdin", "stdout" or "stderr" to package walk. The
	// others are the caller's own. With process.terminal all three are the
	// container's new terminal.
	Stdio [3]bool
	// OpenFiles is the limit of open files that the process inherits, where
	// the caller's own is another one. The zero value leaves it alone.
	OpenFiles unix.Rlimit
	// Permitted is the capabilities that the caller has got to give, a bit for each;
	// 0 is all.
	Permitted uint64
	// Outlive is true for a container that lives on when its parent dies.
	Outlive bool
}

// Names of descriptors that package walk is given, and of results that its
// caller asks for.
const (
	Report = Ref("report") // close-on-exec pipe: its end is the news of execve or of death
	News   = Ref("news")   // the host's end of that pipe
	Go     = Ref("go")     // pipe: the child waits here until the host has done its part
	Ready  = Ref("ready")  // the host's end of that pipe
	Pid    = Ref("pid")    // of the container's process, as the host sees it
	Pidfd  = Ref("pidfd")  // holds that process, whatever its number becomes
	Ptmx   = Ref("ptmx")   // the host's side of the container's terminal
)

var stdio = [3]Ref{"stdin", "stdout", "stderr"}

// Compile writes down the calls that make the container of an OCI config
// (runtime-spec, config.md and config-linux.md). A field that is not
// implemented, or that contradicts another, is an error that names it.
func Compile(spec *specs.Spec, o Options) (*Plan, error) {
	if err := check(spec); err != nil {
		return nil, err
	}
	if o.Arch == "" {
		o.Arch = runtime.GOARCH
	}
	b := &builder{spec: spec, linux: spec.Linux, options: o}
	if b.linux == nil {
		b.linux = &specs.Linux{}
	}
	for _, part := range []func() error{
		b.cgroup,
		b.makeRoot,
		b.sources,
		b.terminal,
		b.clone,
		b.session,
		b.names,
		b.filesystems,
		b.sysctl,
		b.pivot,
		b.attach,
		b.makeWorkingDirectory,
		b.furnishDev,
		b.hide,
		b.confine,
		b.exec,
	} {
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

	plan       Plan
	steps      []Step
	part, from string
	made       []string // folders that an earlier step has made sure of
}

// begin opens a part of the story; what follows was asked for by from.
func (b *builder) begin(part, from string) { b.part, b.from = part, from }

func (b *builder) host(why string, s Step)      { b.add(Host, why, s) }
func (b *builder) container(why string, s Step) { b.add(Container, why, s) }

func (b *builder) add(side Side, why string, s Step) {
	s.Side, s.Why, s.Part, s.From = side, why, b.part, b.from
	b.steps = append(b.steps, s)
}

// has tells whether the config asks for a new namespace of this kind.
func (b *builder) has(kind specs.LinuxNamespaceType) bool {
	return slices.ContainsFunc(b.linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == kind
	})
}

// session gives the child a clean start: signals, ids, streams, terminal.
func (b *builder) session() error {
	b.begin("session", "process")
	b.container("nohup(1) was meant for the host's process", defaultSignal(unix.SIGHUP))
	b.container("and so was a shell's &: clone3 resets what is caught, not what is ignored", defaultSignal(unix.SIGINT))
	b.container("Go blocked all signals around clone3; the program starts with none blocked", unblockSignals())
	b.container("what is reported, the host alone reads: when it is gone, a write fails", closeFd(News))
	b.becomeRoot()
	b.container("modes in this list are meant as they are written", umask(0))
	if b.spec.Process.Terminal {
		b.from = "process.terminal"
		for fd, name := range stdio {
			b.container("the terminal is "+string(name), dup3(tty, num(fd)))
		}
	} else {
		for fd, name := range stdio {
			if b.options.Stdio[fd] {
				b.container("the "+string(name)+" that was made for it", dup3(name, num(fd)))
			}
		}
	}
	b.container("a session of its own: no way to the terminal of the one who started it", setsid())
	b.container("a keyring of its own: the caller's session keyring is not for it", keyctl().accept(unix.ENOSYS))
	if b.spec.Process.Terminal {
		b.container("its controlling terminal: Ctrl-C goes here", ioctl(num(0), "TIOCSCTTY", unix.TIOCSCTTY, num(0)))
	}
	return nil
}
