// Beyond a plain container: labels of security modules
//
// Labels. A security module (apparmor(7), selinux(8)) judges a process by a label
// that it has beside its user and its capabilities. Which one it gets at the next
// execve is written into a file of the process itself, attr/exec of proc(5). A
// kernel without the module refuses the write, and so the container: a label that
// was asked for and does nothing would be worse than none.

package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	noProfile  = "there is no such profile: load it with apparmor_parser -r FILE"
	noAppArmor = "this kernel does not run AppArmor: leave out process.apparmorProfile"
	noSELinux  = "this kernel does not run SELinux, or its policy has no such label: leave out process.selinuxLabel"
)

// labels writes process.apparmorProfile and process.selinuxLabel for the next
// execve. The path proc, in dir, leads to a procfs that is known to be one.
func labels(l *list, p *specs.Process, dir plan.Ref, proc string) {
	const attr, old = plan.Ref("attr"), plan.Ref("label")
	if p.ApparmorProfile != "" {
		l.begin("settings", "process.apparmorProfile")
		l.container("the file of AppArmor, since Linux 5.8",
			call.Openat(dir, proc+"thread-self/attr/apparmor/exec", unix.O_WRONLY).As(attr).
				Allow(unix.ENOENT).Hint(0, noAppArmor))
		l.container("set the profile that execve applies", call.Write(attr, "exec "+p.ApparmorProfile).
			Hint(unix.ENOENT, noProfile).Hint(0, noAppArmor))
		l.container("the file of any security module, before Linux 5.8",
			call.Openat(dir, proc+"thread-self/attr/exec", unix.O_WRONLY).WhenNot(attr).
				As(old).Hint(0, noAppArmor))
		l.container("set the profile that execve applies", call.Write(old, "exec "+p.ApparmorProfile).
			Hint(unix.ENOENT, noProfile).Hint(0, noAppArmor))
	}
	if p.SelinuxLabel != "" {
		l.begin("settings", "process.selinuxLabel")
		l.container("the file of SELinux",
			call.Openat(dir, proc+"thread-self/attr/exec", unix.O_WRONLY).As(attr).Hint(0, noSELinux))
		l.container("set the label that execve applies", call.Write(attr, p.SelinuxLabel).Hint(0, noSELinux))
	}
}
