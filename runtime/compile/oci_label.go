package compile

import (
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// Labels. A security module (apparmor(7), selinux(8)) judges a process by a label
// that it has beside its user and its capabilities. Which one it gets at the next
// execve is written into a file of the process itself, attr/exec of proc(5). A
// kernel without the module refuses the write, and so the container: a label that
// was asked for and does nothing would be worse than none.

// labels writes process.apparmorProfile and process.selinuxLabel for the next
// execve. The path proc, in dir, leads to a procfs that is known to be one.
func (b *builder) labels(dir plan.Ref, proc string) {
	const attr, old = plan.Ref("attr"), plan.Ref("label")
	p := b.spec.Process
	if p.ApparmorProfile != "" {
		b.begin("settings", "process.apparmorProfile")
		b.container("AppArmor's own file, since Linux 5.8", call.Openat(dir, proc+"thread-self/attr/apparmor/exec", unix.O_WRONLY).As(attr).Allow(unix.ENOENT))
		b.container("the profile that execve puts it under", call.Write(attr, "exec "+p.ApparmorProfile))
		b.container("the file that it shared with others before", call.Openat(dir, proc+"thread-self/attr/exec", unix.O_WRONLY).WhenNot(attr).As(old))
		b.container("the profile that execve puts it under", call.Write(old, "exec "+p.ApparmorProfile))
	}
	if p.SelinuxLabel != "" {
		b.begin("settings", "process.selinuxLabel")
		b.container("SELinux's file", call.Openat(dir, proc+"thread-self/attr/exec", unix.O_WRONLY).As(attr))
		b.container("the label that execve gives it", call.Write(attr, p.SelinuxLabel))
	}
}
