package compile

import (
	"fmt"
	"path"
	"slices"

	"github.com/minictr/minictr/internal/printable"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Confinement: the child is still root with every capability, because it had
// to mount and to make devices. Now it gives up, in an order in which each
// step still has the right to be made:
//
//	working directory  opened as root, so that a closed folder can be one
//	limits             need root, and no other step needs a descriptor
//	treatment          scheduler and the like, may need CAP_SYS_NICE
//	bounding set       what no execve may ever bring back; needs CAP_SETPCAP
//	groups, gid, uid   need CAP_SETGID and CAP_SETUID; PR_SET_KEEPCAPS lets
//	                   the permitted capabilities outlive the change
//	capset             only those that the config lists
//	no_new_privs       set-user-ID programs give nothing from here on
//	seccomp            last (exec.go), so that it need not allow the calls above
//
// Without no_new_privs the loader of a filter needs CAP_SYS_ADMIN: then that
// capability stays until the filter is loaded, and a second capset takes it.

// confine takes away what the program must not have.
func (b *builder) confine() error {
	p := b.spec.Process
	b.workingDirectory()
	if err := b.rlimits(); err != nil {
		return err
	}
	if err := b.treatment(); err != nil {
		return err
	}
	b.capabilitiesAndUser()
	if p.NoNewPrivileges {
		b.begin("confine", "process.noNewPrivileges")
		b.container("no set-user-ID bit and no file capability gives anything from here on", call.Prctl(unix.PR_SET_NO_NEW_PRIVS, "PR_SET_NO_NEW_PRIVS", plan.Int(1)))
	}
	return nil
}

// rlimits come when no step needs another descriptor: one of them may be how
// many there are.
func (b *builder) rlimits() error {
	var seen []string
	for i, l := range b.spec.Process.Rlimits {
		b.begin("confine", fmt.Sprintf("process.rlimits[%d]", i))
		resource, ok := call.Rlimit(l.Type)
		if !ok || slices.Contains(seen, l.Type) {
			return fmt.Errorf("process.rlimits[%d]: %q: unknown, or there twice", i, l.Type)
		}
		seen = append(seen, l.Type)
		b.container("a limit of the process itself, older than cgroups", call.Prlimit64(resource, l.Type, l.Soft, l.Hard))
	}
	if o := b.options.OpenFiles; o != (unix.Rlimit{}) && !slices.Contains(seen, "RLIMIT_NOFILE") {
		b.begin("confine", "minictr")
		b.container("the caller's own limit: Go has raised it for the host's process", call.Prlimit64(unix.RLIMIT_NOFILE, "RLIMIT_NOFILE", o.Cur, o.Max))
	}
	return nil
}

// workingDirectory steps into process.cwd. A magic link of /proc is a door to
// where a forgotten descriptor leads; the kernel is told not to take one.
func (b *builder) workingDirectory() {
	b.begin("confine", "process.cwd")
	dir := b.spec.Process.Cwd
	b.container("open it: inside the root, through no door of /proc", call.Openat2("", dir, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As("cwd"))
	b.container("the program starts here", call.Fchdir("cwd"))
}

// makeWorkingDirectory makes process.cwd while the root still takes writes.
func (b *builder) makeWorkingDirectory() error {
	b.begin("attach", "process.cwd")
	if dir := path.Clean(b.spec.Process.Cwd); dir != "/" && !slices.Contains(b.made, dir) {
		accept := []unix.Errno{unix.EEXIST, unix.EROFS}
		b.parents(dir, accept)
		above, name := b.hold(dir)
		b.container("the working directory, if the image does not have it", call.Mkdirat(above, name, 0o755).Allow(accept...))
	}
	return nil
}

func (b *builder) capabilitiesAndUser() {
	p := b.spec.Process
	caps := p.Capabilities
	if caps == nil {
		caps = &specs.LinuxCapabilities{}
	}
	bounding := b.capabilitySet("bounding", caps.Bounding)
	effective := b.capabilitySet("effective", caps.Effective)
	permitted := b.capabilitySet("permitted", caps.Permitted)
	inheritable := b.capabilitySet("inheritable", caps.Inheritable)
	ambient := b.capabilitySet("ambient", caps.Ambient)
	b.begin("confine", "process.capabilities.bounding")
	for n, name := range call.Capabilities {
		if bounding&(1<<n) == 0 {
			b.container("no execve brings it back", call.Prctl(unix.PR_CAPBSET_DROP, "PR_CAPBSET_DROP", plan.Named(n, name)).Allow(unix.EINVAL))
		}
	}
	b.begin("confine", "process.user")
	b.container("permitted capabilities outlive the change of user, until capset below", call.Prctl(unix.PR_SET_KEEPCAPS, "PR_SET_KEEPCAPS", plan.Int(1)))
	b.container("exactly these groups, none of the host's", call.Setgroups(p.User.AdditionalGids))
	b.container("real, effective and saved: no way back", call.Setresgid(p.User.GID))
	b.container("likewise", call.Setresuid(p.User.UID))
	b.begin("confine", "process.capabilities")
	if last := call.Capset(effective, permitted, inheritable); b.privilegedFilter() {
		const admin = 1 << unix.CAP_SYS_ADMIN
		b.container("the capabilities that stay, and the one that loads the filter", call.Capset(effective|admin, permitted|admin, inheritable))
		b.lastCapset = &last
	} else {
		b.container("the capabilities that stay: in force, permitted, inheritable", last)
	}
	for n, name := range call.Capabilities {
		if ambient&(1<<n) != 0 {
			b.from = "process.capabilities.ambient"
			s := plan.Syscall("prctl", unix.SYS_PRCTL, plan.Named(unix.PR_CAP_AMBIENT, "PR_CAP_AMBIENT"),
				plan.Named(unix.PR_CAP_AMBIENT_RAISE, "PR_CAP_AMBIENT_RAISE"), plan.Named(n, name), plan.Int(0), plan.Int(0))
			b.container("kept across execve without root; refused to what is not inheritable too", s.Allow(unix.EPERM))
		}
	}
}

// privilegedFilter tells whether it takes CAP_SYS_ADMIN to load the filter.
func (b *builder) privilegedFilter() bool {
	return b.filter != nil && !b.spec.Process.NoNewPrivileges
}

// capabilitySet is the bits of a list of names. One that the kernel does not know, or
// that the caller has not got to give, is warned of and left out (config.md,
// "capabilities"). In a new user namespace there are all to give.
func (b *builder) capabilitySet(name string, list []string) (set uint64) {
	for _, c := range list {
		n, ok := call.Capability(c)
		if !ok || b.options.Permitted != 0 && b.options.Permitted&(1<<n) == 0 && !b.has(specs.UserNamespace) {
			b.plan.Warnings = append(b.plan.Warnings, fmt.Sprintf("process.capabilities.%s: %s: cannot be granted here, left out", name, printable.Quote(c)))
			continue
		}
		set |= 1 << n
	}
	return set
}
