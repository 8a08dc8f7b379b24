// Core 20 of 28: what the program may do
//
// The child is still root with every capability, because it had to mount and to make
// devices. A capability is a part of what root may do, such as CAP_KILL
// (capabilities(7)); a process has several sets of them. Now it gives up, in an order
// in which each step still has the right to be made:
//
//	working directory  opened as root, so that a closed directory can be one
//	limits             need root, and no other step needs a new descriptor
//	scheduling         may need CAP_SYS_NICE
//	bounding set       what no execve may ever bring back; needs CAP_SETPCAP
//	groups, gid, uid   need CAP_SETGID and CAP_SETUID; with PR_SET_KEEPCAPS the
//	                   permitted capabilities outlive the change of user
//	capset             only those that the config lists
//	no_new_privs       set-user-ID programs give nothing from here on
//	seccomp            last (execve.go), so that it need not allow the calls above
//
// Loading a filter takes no_new_privs or CAP_SYS_ADMIN. Without the first, that
// capability stays until the filter is loaded, and a second capset takes it.

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

// confine takes away what the program must not have.
func (b *builder) confine() error {
	// the working directory
	b.begin("confine", "process.cwd")
	b.container("open the working directory, through no magic link of /proc",
		call.Openat2("", b.spec.Process.Cwd, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As("cwd"))
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

// makeWorkingDirectory makes process.cwd while the root still takes writes.
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
	// the bounding set: an upper limit for every later execve
	l.begin("confine", "process.capabilities.bounding")
	for n, name := range call.Capabilities {
		if caps.bounding&(1<<n) == 0 {
			l.container("drop it from the bounding set: execve cannot grant it again",
				call.PrctlDropBounding(n, name).Allow(unix.EINVAL))
		}
	}

	// the user: changing from root clears the permitted set, unless PR_SET_KEEPCAPS
	l.begin("confine", "process.user")
	l.container("keep the permitted capabilities over the change of user, until capset below", call.PrctlKeepCaps())
	l.container("set the supplementary groups", call.Setgroups(user.AdditionalGids))
	l.container("set the real, effective and saved group id", call.Setresgid(user.GID))
	l.container("set the real, effective and saved user id", call.Setresuid(user.UID))

	// the sets in force
	l.begin("confine", "process.capabilities")
	if privilegedFilter {
		const admin = 1 << unix.CAP_SYS_ADMIN
		l.container("keep these capabilities, and CAP_SYS_ADMIN to load the filter",
			call.Capset(caps.effective|admin, caps.permitted|admin, caps.inheritable))
	} else {
		l.container("keep these capabilities", caps.capset())
	}

	// the ambient set: what a program gets that is neither root's nor has file capabilities
	for n, name := range call.Capabilities {
		if caps.ambient&(1<<n) != 0 {
			l.from = "process.capabilities.ambient"
			l.container("keep it over execve; EPERM if it is not permitted and inheritable",
				call.PrctlRaiseAmbient(n, name).Allow(unix.EPERM))
		}
	}
}

// capabilitySets has a bit for each capability.
type capabilitySets struct {
	bounding, effective, permitted, inheritable, ambient uint64
}

func (c *capabilitySets) capset() plan.Step {
	return call.Capset(c.effective, c.permitted, c.inheritable)
}

// capabilities returns process.capabilities. One that the kernel does not know, or that
// the caller has not got to give, is warned of and left out (runtime-spec, config.md,
// "capabilities"). In a new user namespace there are all to give.
func capabilities(p *specs.Process, s *shape) (c capabilitySets, warnings []string) {
	config := p.Capabilities
	if config == nil {
		return c, nil
	}
	permitted := s.options.Permitted
	if permitted == 0 || s.ns[userNS] != inherited {
		permitted = call.AllBits
	}
	for _, s := range []struct {
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
		for _, name := range s.names {
			if n, ok := call.Capability(name); ok && permitted&(1<<n) != 0 {
				*s.set |= 1 << n
				continue
			}
			warnings = append(warnings, fmt.Sprintf("process.capabilities.%s: %s: cannot be granted, ignored",
				s.field, printable.Quote(name)))
		}
	}
	return c, warnings
}
