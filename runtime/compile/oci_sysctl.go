// Beyond a plain container: kernel parameters, and files of the process in procfs
//
// /proc/sys mixes parameters of the whole machine with those that a namespace has a
// copy of (sysctl(8)), and only the second kind is a container's to change. So each
// name is held against a short list, and is refused where the container does not have
// that namespace to itself.

package compile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// sysctl writes kernel parameters of the container's namespaces, through the
// descriptor of the procfs that this plan has made and not yet attached: what
// is found at the path "/proc" is not asked, nothing can lie over it, and it is
// not read-only yet.
func (b *builder) sysctl() error {
	p, sysctl := b.spec.Process, b.spec.Linux.Sysctl
	if len(sysctl) == 0 && p.OOMScoreAdj == nil && p.ApparmorProfile+p.SelinuxLabel == "" {
		return nil
	}
	i := slices.IndexFunc(b.shape.mounts, func(m mount) bool { return m.Type == "proc" && !m.bind })
	if i < 0 {
		return errors.New("linux.sysctl, process.oomScoreAdj, apparmorProfile, selinuxLabel: " +
			"require a mount of type proc")
	}
	proc := mountRef(i)
	for _, key := range slices.Sorted(maps.Keys(sysctl)) {
		b.begin("settings", "linux.sysctl: "+key)
		if err := CheckSysctl(key, sysctl[key], b.shape.has); err != nil {
			return fmt.Errorf("linux.sysctl: %q: %w", key, err)
		}
		if name := b.spec.Domainname; key == "kernel.domainname" && name != "" && name != sysctl[key] {
			return fmt.Errorf("linux.sysctl: %q: conflicts with domainname %q", key, name)
		}
		file := "sys/" + strings.ReplaceAll(key, ".", "/")
		b.container("open the kernel parameter, which the container's namespace has a copy of",
			call.Openat(proc, file, unix.O_WRONLY).As("sysctl"))
		b.container("set it", call.Write("sysctl", sysctl[key]))
	}
	if b.shape.ns[userNS] != created {
		ownScore(&b.list, p, proc, "")
	}
	labels(&b.list, p, proc, "")
	return nil
}

// hostFiles writes the files of a process that is not the container's first, and has not
// left the host's mounts yet.
func (b *builder) hostFiles() error {
	ownScore(&b.list, b.spec.Process, "", "/proc/")
	labels(&b.list, b.spec.Process, "", "/proc/")
	return nil
}

// ownScore writes the OOM score of the process itself in procfs, to which the path proc, in
// dir, leads.
func ownScore(l *list, p *specs.Process, dir plan.Ref, proc string) {
	if p.OOMScoreAdj != nil {
		l.begin("settings", "process.oomScoreAdj")
		l.container(theScore, call.Openat(dir, proc+"self/oom_score_adj", unix.O_WRONLY).As("oom"))
		l.container(setScore, writeScore(p))
	}
}

// hostScore lets the host write the OOM score of a process in a new user namespace: once that
// process has changed its user id, the files of /proc/self belong to root of the host, which it
// is not (proc_pid(5)).
func hostScore(l *list, p *specs.Process) {
	if p != nil && p.OOMScoreAdj != nil {
		l.from = "process.oomScoreAdj"
		l.host(theScore, call.Openat("", "/proc/@pid/oom_score_adj", unix.O_WRONLY).As("oom"))
		l.host(setScore, writeScore(p))
	}
}

const (
	theScore = "the file of the process's OOM score"
	setScore = "set it: a higher score is killed earlier"
)

func writeScore(p *specs.Process) plan.Step {
	return call.Write("oom", fmt.Sprint(*p.OOMScoreAdj)).
		Hint(unix.EACCES, "raise the score, or run the command with CAP_SYS_RESOURCE to lower it")
}

// CheckSysctl reports why a container may not set the parameter. own reports which
// namespaces it has to itself. A name is words joined by single dots: with a
// slash or ".." it could be another file, and a "+" once let one setting
// smuggle in the next (CVE-2022-0811).
func CheckSysctl(name, value string, own func(specs.LinuxNamespaceType) bool) error {
	if !dotted(name) {
		return errors.New("name: not words joined by dots")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r == '+' || r < ' ' && r != '\t' || r > '~' }) {
		return errors.New("value: contains a control byte or a +")
	}
	kind, ok := sysctlNamespace(name)
	if !ok {
		return hint.New(errors.New("not a parameter of a namespace"),
			"use net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* or kernel.domainname")
	}
	if !own(kind) {
		return fmt.Errorf("requires a new %s namespace", kind)
	}
	return nil
}

func dotted(name string) bool {
	for word := range strings.SplitSeq(name, ".") {
		if word == "" || strings.ContainsFunc(word, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
		}) {
			return false
		}
	}
	return true
}

// sysctlNamespace is the namespace that has its own copy of a setting
// (namespaces(7), ipc_namespaces(7), network_namespaces(7)).
func sysctlNamespace(name string) (specs.LinuxNamespaceType, bool) {
	switch name {
	case "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced":
		return specs.IPCNamespace, true
	case "kernel.domainname":
		return specs.UTSNamespace, true
	}
	switch {
	case strings.HasPrefix(name, "fs.mqueue."):
		return specs.IPCNamespace, true
	case strings.HasPrefix(name, "net."):
		return specs.NetworkNamespace, true
	}
	return "", false
}
