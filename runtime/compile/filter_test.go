package compile

import (
	"strings"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func notifying(names ...string) *specs.LinuxSeccomp {
	return &specs.LinuxSeccomp{DefaultAction: specs.ActAllow, ListenerPath: "/run/agent",
		Syscalls: []specs.LinuxSyscall{
			{Names: []string{"write"}, Action: specs.ActErrno},
			{Names: names, Action: specs.ActNotify},
		}}
}

// TestUnansweredCallRefused: a notified call without a process to answer it is refused.
func TestUnansweredCallRefused(t *testing.T) {
	for want, s := range map[string]*specs.LinuxSeccomp{
		"linux.seccomp.listenerPath: must":     {DefaultAction: specs.ActAllow, Syscalls: notifying("mkdir").Syscalls},
		"linux.seccomp.listenerPath: \"a\\x00": {DefaultAction: specs.ActAllow, ListenerPath: "a\x00"},
		"linux.seccomp.listenerMetadata: ":     {DefaultAction: specs.ActAllow, ListenerMetadata: "x"},

		"linux.seccomp.syscalls[1]: SCMP_ACT_NOTIFY cannot be used for the write syscall": notifying("mkdir", "write"),
	} {
		spec := testSpec()
		spec.Linux.Seccomp = s
		_, err := Compile(spec, testOptions())
		wantPrefix(t, err, want)
		options := testOptions()
		options.Join = &Running{Pid: 1}
		_, err = Exec(spec, options)
		wantPrefix(t, err, want)
	}
}

// TestUnusedListenerIgnored: without a call that is notified a listenerPath means nothing
// (config-linux.md).
func TestUnusedListenerIgnored(t *testing.T) {
	spec := testSpec()
	spec.Linux.Seccomp.ListenerPath, spec.Linux.Seccomp.ListenerMetadata = "/run/agent", "x"
	p, err := Compile(spec, testOptions())
	testkit.Check(t, err)
	for _, s := range p.Steps {
		if s.Result == string(plan.Listener) {
			t.Errorf("there is a listener: %s", s.Call())
		}
	}
}

// TestUnknownCallRefused: with crun's annotation a call of an unknown name is an error.
func TestUnknownCallRefused(t *testing.T) {
	for value, refused := range map[string]bool{"1": true, "0": false} {
		spec := testSpec()
		spec.Annotations = map[string]string{"run.oci.seccomp_fail_unknown_syscall": value}
		spec.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: specs.ActErrno,
			Syscalls: []specs.LinuxSyscall{{Names: []string{"read", "keyclt"}, Action: specs.ActAllow}}}
		_, err := Compile(spec, testOptions())
		if refused {
			testkit.WantError(t, value, err, `linux.seccomp: "keyclt": unknown system call`)
		} else {
			testkit.Check(t, err)
		}
	}
}

// TestUnknownCallWarning: a forbidden call of an unknown name is a warning; among allowed calls
// such a name makes no difference.
func TestUnknownCallWarning(t *testing.T) {
	for action, warned := range map[specs.LinuxSeccompAction]bool{specs.ActAllow: true, specs.ActLog: true,
		specs.ActErrno: false, specs.ActKillProcess: false} {
		spec := testSpec()
		spec.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: action,
			Syscalls: []specs.LinuxSyscall{{Names: []string{"keyclt"}, Action: specs.ActTrap}}}
		p, err := Compile(spec, testOptions())
		testkit.Check(t, err)
		if got := strings.Contains(strings.Join(p.Warnings, "\n"), `linux.seccomp: "keyclt"`); got != warned {
			t.Errorf("default %s: warned is %v: %q", action, got, p.Warnings)
		}
	}
}
