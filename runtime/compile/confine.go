// Core 20 of 28: what the program may do
//
// The child is still root with every capability, because it had to mount and to make
// devices. A capability is a part of root's power, such as CAP_KILL (capabilities(7)). A
// process has five sets of them: effective, which the kernel checks; permitted, the limit
// of effective; inheritable and ambient, which concern execve; and bounding, the limit of
// what execve can grant. The child drops them in an order in which each step is permitted:
//
//	working directory  opened as root: the user may have no permission to open it
//	limits             may need CAP_SYS_RESOURCE; no later step needs a new descriptor
//	scheduling         may need CAP_SYS_NICE
//	bounding set       needs CAP_SETPCAP
//	groups, gid, uid   need CAP_SETGID and CAP_SETUID; PR_SET_KEEPCAPS keeps the permitted
//	                   set, which a change from root to another user otherwise clears
//	capset             only the capabilities that the config lists
//	no_new_privs       set-user-ID programs grant nothing from here on
//	seccomp            last (execve.go), so that it need not allow the calls above
//
// Loading a filter requires no_new_privs or CAP_SYS_ADMIN. Without no_new_privs, that
// capability stays until the filter is loaded, and a second capset drops it.

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

// confine sets the working directory, limits, user and capabilities of the program.
func (b *builder) confine() error {
	// the working directory
	b.begin("confine", "process.cwd")
	b.container("open the working directory, through no magic link of /proc",
		call.Openat2("", b.spec.Process.Cwd, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As("cwd").
			Hint(unix.ENOENT, noDirectory).Hint(unix.ENOTDIR, notDirectory))
	b.container("the program starts in it", call.Fchdir("cwd"))

	// limits and scheduling
	if err := limitProcess(&b.list, b.spec.Process.Rlimits, b.shape.options.OpenFiles); err != nil {
		return err
	}
	if err := scheduling(&b.list, b.spec); err != nil {
		return err
	}

	// capabilities and user
	caps, warnings := capabilities(b.spec.Process, &b.shape)
	b.plan.Warnings = append(b.plan.Warnings, warnings...)
	dropPrivileges(&b.list, &b.spec.Process.User, caps, b.shape.privilegedFilter)
	if b.spec.Process.NoNewPrivileges {
		b.begin("confine", "process.noNewPrivileges")
		b.container("execve grants no privileges from now on (set-user-ID, file capabilities)", call.PrctlNoNewPrivs())
	}
	return nil
}

// makeWorkingDirectory makes process.cwd, before the root becomes read-only.
func (b *builder) makeWorkingDirectory() error {
	b.begin("attach", "process.cwd")
	if dir := path.Clean(b.spec.Process.Cwd); dir != "/" && !slices.Contains(b.made, dir) {
		accept := []unix.Errno{unix.EEXIST, unix.EROFS}
		makeParents(&b.list, dir, accept)
		above, name := openParent(&b.list, dir)
		b.container("make the working directory; it may exist", call.Mkdirat(above, name, 0o755).Allow(accept...))
	}
	return nil
}

// dropPrivileges drops capabilities and changes the user.
func dropPrivileges(l *list, user *specs.User, caps capabilitySets, privilegedFilter bool) {
	// the bounding set
	l.begin("confine", "process.capabilities.bounding")
	for n, name := range call.Capabilities {
		if caps.bounding&(1<<n) == 0 {
			l.container("drop it from the bounding set: execve cannot grant it again",
				call.PrctlDropBounding(n, name).Allow(unix.EINVAL))
		}
	}

	// the user
	l.begin("confine", "process.user")
	l.container("keep the permitted capabilities over the change of user, until capset below", call.PrctlKeepCaps())
	l.container("set the supplementary groups", call.Setgroups(user.AdditionalGids))
	l.container("set the real, effective and saved group id", call.Setresgid(user.GID))
	l.container("set the real, effective and saved user id", call.Setresuid(user.UID))

	// the effective, permitted and inheritable sets
	l.begin("confine", "process.capabilities")
	if privilegedFilter {
		const admin = 1 << unix.CAP_SYS_ADMIN
		l.container("keep these capabilities, and CAP_SYS_ADMIN to load the filter",
			call.Capset(caps.effective|admin, caps.permitted|admin, caps.inheritable))
	} else {
		l.container("keep these capabilities", caps.capset())
	}

	// the ambient set: what execve gives to a program of a user other than root
	for n, name := range call.Capabilities {
		if caps.ambient&(1<<n) != 0 {
			l.from = "process.capabilities.ambient"
			l.container("keep it over execve; EPERM if it is not permitted and inheritable",
				call.PrctlRaiseAmbient(n, name).Allow(unix.EPERM))
		}
	}
}

// capabilitySets are sets of capabilities, a bit for each.
type capabilitySets struct {
	bounding, effective, permitted, inheritable, ambient uint64
}

func (c *capabilitySets) capset() plan.Step {
	return call.Capset(c.effective, c.permitted, c.inheritable)
}

// capabilities returns process.capabilities. A capability that the kernel does not know, or
// that the caller does not have, is left out, with a warning (runtime-spec, config.md,
// "capabilities"). In a user namespace of its own the child has all.
func capabilities(p *specs.Process, s *shape) (c capabilitySets, warnings []string) {
	config := p.Capabilities
	if config == nil {
		return c, nil
	}
	permitted := s.options.Permitted
	if permitted == 0 || s.ns[userNS] != inherited {
		permitted = call.AllBits
	}
	for _, list := range []struct {
		set   *uint64
		field string
		names []string
	}{
		{&c.bounding, "bounding", config.Bounding},
		{&c.effective, "effective", config.Effective},
		{&c.permitted, "permitted", config.Permitted},
		{&c.inheritable, "inheritable", config.Inheritable},
		{&c.ambient, "ambient", config.Ambient},
	} {
		for _, name := range list.names {
			if n, ok := call.Capability(name); ok && permitted&(1<<n) != 0 {
				*list.set |= 1 << n
				continue
			}
			warnings = append(warnings, fmt.Sprintf("process.capabilities.%s: %s: cannot be granted, ignored",
				list.field, printable.Quote(name)))
		}
	}
	return c, append(warnings, c.limitAmbient()...)
}
