package without

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
)

// Part is a part of a container that can be left out.
type Part struct {
	Name   string
	Does   string // what it does
	Breaks string // what breaks without it
	// Script shows the difference, for sh(1), or Program does: it succeeds in a container
	// without the part, and fails in one with it; with Fails the other way round.
	Script  string
	Program []string
	Fails   bool
	Flags   string // flags of run that it needs
	Others  string // another part, which both runs leave out for the difference to be visible
}

// Names of the parts.
const (
	mountNS      = "mount"
	pidNS        = "pid"
	netNS        = "net"
	utsNS        = "uts"
	ipcNS        = "ipc"
	cgroupNS     = "cgroupns"
	userNS       = "user"
	pivot        = "pivot"
	overlay      = "overlay"
	private      = "private"
	proc         = "proc"
	dev          = "dev"
	masks        = "masks"
	capabilities = "capabilities"
	seccomp      = "seccomp"
	noNewPrivs   = "no-new-privs"
	cgroup       = "cgroup"
	closeRange   = "close-range"
	dumpable     = "dumpable"
	trampoline   = "trampoline"
)

// Parts lists all parts, in the order in which the list prints them.
var Parts = []Part{
	{
		Name: mountNS, Does: "a mount namespace: a table of mounts of its own",
		Breaks: "the mounts of the container are in the table of the host",
		Others: pidNS, Script: `grep " /container" /proc/1/mounts`,
	},
	{
		Name: pidNS, Does: "a pid namespace: process numbers of its own",
		Breaks: "it sees and signals the processes of the host",
		Script: "ps | grep [o]uter-host",
	},
	{
		Name: netNS, Does: "a network namespace: links, addresses and sockets of its own",
		Breaks: "it reaches local services of the host, as in CVE-2020-15257",
		Script: "grep @host-service /proc/net/unix",
	},
	{
		Name: utsNS, Does: "a UTS namespace: a host name of its own",
		Breaks: "it has the name of the host, and with CAP_SYS_ADMIN changes it",
		Script: "hostname | grep -x outer-host",
	},
	{
		Name: ipcNS, Does: "an IPC namespace: shared memory and message queues of its own",
		Breaks: "it reads the shared memory of the host",
		Script: `grep "^ *4242 " /proc/sysvipc/shm`,
	},
	{
		Name: cgroupNS, Does: "a cgroup namespace: its own cgroup is shown as the root",
		Breaks: "it sees the names of the host's cgroups",
		Script: "grep ::/minictr/ /proc/self/cgroup",
	},
	{
		Name: userNS, Does: "a user namespace, where --userns asks for one: its own root",
		Breaks: "root in the container is root of the host",
		Flags:  "--userns 0:100000:65536",
		Script: `! grep " 100000 " /proc/self/uid_map`,
	},
	{
		Name: pivot, Does: "pivot_root: the root of the host is detached; without it, chroot",
		Breaks: "a second chroot leads out to the root of the host",
		Script: "chroot /proc /1/root/bin/busybox ls /1/root/.. | grep -x container",
	},
	{
		Name: overlay, Does: "overlayfs: the layers of the image, stacked and shared",
		Breaks: "each container has a copy of all files; no layer is shared",
		Script: `grep " / overlay " /proc/mounts`, Fails: true,
	},
	{
		Name: private, Does: "private mounts: no mounting or unmounting is propagated to the host",
		Breaks: "detaching the old root unmounts filesystems of the host",
		Others: pidNS, Script: `! grep " /dev/shm " /proc/1/mounts`,
	},
	{
		Name: proc, Does: "procfs, in which processes are shown",
		Breaks: "ps, top and all that reads /proc fail",
		Script: "ps | grep root", Fails: true,
	},
	{
		Name: dev, Does: "/dev, with the devices that every program expects",
		Breaks: "no /dev/null, no random numbers, no terminals",
		Script: "head -c 1 /dev/urandom >/dev/null", Fails: true,
	},
	{
		Name: masks, Does: "masked and read-only paths in /proc and /sys",
		Breaks: "it changes kernel parameters, and reads the machine's files",
		Script: "echo 1 >/proc/sys/kernel/shm_rmid_forced",
	},
	{
		Name: capabilities, Does: "few capabilities: root in the container has a part of root's power",
		Breaks: "it may change links, mounts, names and all else that root may",
		Script: "ip link set lo down",
	},
	{
		Name: seccomp, Does: "a filter of system calls",
		Breaks: "every system call may be made, as to get a user namespace",
		Script: "unshare --user true",
	},
	{
		Name: noNewPrivs, Does: "no_new_privs: set-user-ID programs grant nothing",
		Breaks: "a user becomes root by a set-user-ID program",
		Script: "chmod 4755 /bin/busybox; sed -i s/root:x/root:/ /etc/passwd; " +
			"echo joe::1000:1000::/:/bin/sh >>/etc/passwd; su joe -c \"su -c id\"",
	},
	{
		Name: cgroup, Does: "a cgroup: its limits, and what is killed with the container",
		Breaks: "no limits; the host's processes are in the same cgroup",
		Others: pidNS, Script: "grep -x 1 /sys/fs/cgroup/cgroup.procs",
	},
	{
		Name: closeRange, Does: "close_range: no open file of the host is passed on",
		Breaks: "a forgotten descriptor leads to the host, as in CVE-2024-21626",
		Script: "ls /proc/self/fd/100/container",
	},
	{
		Name: dumpable, Does: "PR_SET_DUMPABLE: processes of minictr cannot be looked into",
		Breaks: "its memory, its open files and its program can be read",
		Others: pidNS, Script: "readlink /proc/2/exe",
	},
	{
		Name: trampoline, Does: "the trampoline: a file in memory executes the program, not minictr",
		Breaks:  "it could overwrite the host's minictr, as in CVE-2019-5736",
		Program: []string{"/proc/self/exe", "--version"},
	},
}

// Command returns the arguments of minictr that show the difference: with the part, or without.
func (p *Part) Command(without bool) []string {
	words := append([]string{"run", "--rm"}, strings.Fields(p.Flags)...)
	parts := strings.Fields(p.Others)
	if without {
		parts = append(parts, p.Name)
	}
	if len(parts) > 0 {
		words = append(words, "--without", strings.Join(parts, ","))
	}
	words = append(words, "demo")
	if p.Script != "" {
		return append(words, "sh", "-c", p.Script)
	}
	return append(words, p.Program...)
}

// Set is the parts that are left out.
type Set []string

// none is the set of a container that has all parts and is made on an outer host: what others
// are compared with.
const none = "none"

// has reports whether a part is left out.
func (s Set) has(name string) bool { return slices.Contains(s, name) }

// find returns the part of this name, nil for none.
func find(name string) *Part {
	i := slices.IndexFunc(Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &Parts[i]
}

// Parse reads a list of parts, "pid,net".
func Parse(list string) (set Set, err error) {
	if list == none {
		return Set{none}, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		if find(name) == nil {
			return nil, hint.New(fmt.Errorf("--without %q: no such part", name), "the parts are: "+names())
		}
		if !set.has(name) {
			set = append(set, name)
		}
	}
	return set, nil
}

func names() string {
	list := make([]string, len(Parts))
	for i := range Parts {
		list[i] = Parts[i].Name
	}
	return strings.Join(list, ", ")
}

// Print writes the list of parts: name, what it does, what breaks without it, and the command
// that shows it.
func Print(w io.Writer) error {
	var b strings.Builder
	for _, p := range Parts {
		fmt.Fprintf(&b, "%s\n    %s\n    without it: %s\n    $ %s\n", p.Name, p.Does, p.Breaks, line(p.Command(true)))
	}
	fmt.Fprintf(&b, "%s\n    leave out nothing, on the same outer host: to compare with\n", none)
	_, err := io.WriteString(w, b.String())
	return err
}

// line returns the command as it is typed in a shell.
func line(words []string) string {
	last := len(words) - 1
	if strings.ContainsAny(words[last], " ;|") {
		words[last] = "'" + strings.ReplaceAll(words[last], "'", `'\''`) + "'"
	}
	return "minictr " + strings.Join(words, " ")
}
