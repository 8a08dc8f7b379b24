package hardening

// Rows 7 to 10: privileges and identity of the container's process.

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"

	"github.com/minictr/minictr/internal/testkit"
)

// TestCgroupNamespaceHidesHostTree: the container's own cgroup is the root of the tree
// it sees.
func TestCgroupNamespaceHidesHostTree(t *testing.T) {
	guard(t)
	r := box(t, "sh", "-c", "grep ^0: /proc/self/cgroup; grep ' cgroup2 ' /proc/self/mountinfo | while read a b c "+
		"root place rest; do echo $root $place; done; cat /sys/fs/cgroup/cgroup.procs | head -n 1")
	r.want(t, 0)
	if r.stdout != "0::/\n/ /sys/fs/cgroup\n1\n" {
		t.Errorf("want / as the cgroup, / as the root of the mount, 1 as a process in it:\n%s", r.stdout)
	}
}

// TestCgroupIsReadOnly: the container cannot write its limits, move a process or make a
// cgroup.
func TestCgroupIsReadOnly(t *testing.T) {
	guard(t)
	for _, flags := range [][]string{nil, {"--cap-add", "ALL"}} {
		const files = "/sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.kill /sys/fs/cgroup/cgroup.subtree_control " +
			"/sys/fs/cgroup/cgroup.max.depth"
		r := box(t, append(flags, "--", "sh", "-c", "/probe write "+files+"; mkdir /sys/fs/cgroup/mine")...)
		for file := range strings.FieldsSeq(files) {
			testkit.Equal(t, fmt.Sprintf("%v: write to %s", flags, file), r.line(file), "EROFS")
		}
		if !strings.Contains(r.stderr, "Read-only file system") {
			t.Errorf("%v: mkdir of a cgroup: %s", flags, r.stderr)
		}
	}
}

// TestDeviceOfLayerDenied: device nodes of a layer cannot be opened, except the default
// devices.
func TestDeviceOfLayerDenied(t *testing.T) {
	guard(t)
	image := hostile(t, ocispec.ImageConfig{},
		node(tar.TypeBlock, "disk", 254, 0), node(tar.TypeChar, "mem", 1, 1), node(tar.TypeChar, "kmsg", 1, 11),
		node(tar.TypeChar, "fuse", 10, 229), node(tar.TypeBlock, "loop", 7, 0), node(tar.TypeChar, "zero", 1, 5))
	r := run(command("minictr", "run", "--rm", "-v", filepath.Join(bin, "probe")+":/probe:ro", image, "/probe", "open",
		"/disk", "/mem", "/kmsg", "/fuse", "/loop", "/zero"))
	r.want(t, 0)
	for name, want := range map[string]string{"/disk": "EPERM", "/mem": "EPERM", "/kmsg": "EPERM", "/fuse": "EPERM",
		"/loop": "EPERM", "/zero": "ok"} {
		testkit.Equal(t, "open "+name, r.line(name), want)
	}
}

// TestDeviceOfMknodDenied: with CAP_MKNOD a node can be made, but not opened.
func TestDeviceOfMknodDenied(t *testing.T) {
	guard(t)
	for _, test := range []struct{ flag, kind, major, minor, mknod, open string }{
		{"--init=false", "b", "254", "0", "EPERM", "ENOENT"},
		{"--cap-add=MKNOD", "b", "254", "0", "ok", "EPERM"},
		{"--cap-add=ALL", "c", "1", "1", "ok", "EPERM"},
		{"--cap-add=ALL", "c", "1", "8", "ok", "ok"},
	} {
		r := box(t, test.flag, "--", "/probe", "node", test.kind, test.major, test.minor)
		if r.line("mknod") != test.mknod || r.line("/made") != test.open {
			t.Errorf("%+v: %+v", test, r)
		}
	}
}

// TestOverlongPathsRefused: each text that becomes a path, a name or an option may be
// too long; that is an error, and never truncated.
func TestOverlongPathsRefused(t *testing.T) {
	guard(t)
	name, path := strings.Repeat("n", 300), strings.Repeat("/long", 1000)
	for _, flags := range [][]string{
		{"-w", "/" + name}, {"-w", path}, {"--tmpfs", "/" + name}, {"--tmpfs", path},
		{"-v", "/tmp:" + path}, {"-v", path + ":/tmp"}, {"--name", name}, {"--hostname", name},
		{"--mount", "type=tmpfs,target=" + path}, {"--env-file", path}, {"--cidfile", path},
		{"--security-opt", "seccomp=" + path}, {"-u", name},
	} {
		r := box(t, append(flags, "--", "true")...)
		if r.code != exitFailure || strings.Contains(r.stderr, "panic") || strings.Contains(r.stderr, "goroutine") {
			t.Errorf("%.40v: exit code %d: %.300s", flags, r.code, r.stderr)
		}
	}
	r := box(t, "--entrypoint", path, "--", "true")
	if r.code != 126 && r.code != 127 {
		t.Errorf("a program with a path of 5000 bytes: exit code %d: %.300s", r.code, r.stderr)
	}
	variables := filepath.Join(t.TempDir(), "variables")
	testkit.Check(t, os.WriteFile(variables, []byte("A="+strings.Repeat("x", 200_000)), 0o644))
	r = box(t, "--env-file", variables, "--", "true")
	if r.code != 126 || !strings.Contains(r.stderr, "argument list too long") {
		t.Errorf("a variable of 200 kB: exit code %d: %.300s", r.code, r.stderr)
	}
}

// TestNoCapabilityInherited: no user inherits a capability, not even from a caller with
// inheritable ones, and what is not in the bounding set is never regained.
func TestNoCapabilityInherited(t *testing.T) {
	guard(t)
	const none, eleven = "0000000000000000", "00000000800405fb"
	for _, test := range []struct {
		flags                []string
		effective, permitted string
		bounding             string
	}{
		{nil, eleven, eleven, eleven},
		{[]string{"-u", "1000"}, none, none, eleven},
		{[]string{"-u", "1000:100", "--cap-add", "NET_RAW"}, none, none, "00000000800425fb"},
		{[]string{"--cap-drop", "ALL"}, none, none, none},
		{[]string{"--cap-drop", "ALL", "--cap-add", "CHOWN"}, "0000000000000001", "0000000000000001",
			"0000000000000001"},
	} {
		cmd := command("minictr", boxArgs(append(test.flags, "--", "cat", "/proc/self/status")...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_CHOWN, unix.CAP_SYS_ADMIN}}
		r := run(cmd)
		for key, want := range map[string]string{
			"CapInh": none, "CapAmb": none, "CapEff": test.effective, "CapPrm": test.permitted, "CapBnd": test.bounding,
			"NoNewPrivs": "1",
		} {
			testkit.Equal(t, fmt.Sprintf("%v: %s", test.flags, key), r.line(key), want)
		}
	}
}

// TestGroupsAreThoseOfTheUser: the groups are exactly those of the user in the image,
// and none of the caller's.
func TestGroupsAreThoseOfTheUser(t *testing.T) {
	guard(t)
	for user, want := range map[string]struct{ uid, gid, groups string }{
		"":           {"0", "0", "0 10"},
		"root":       {"0", "0", "0 10"},
		"ada":        {"1000", "100", "10 44 100"},
		"1000":       {"1000", "100", "10 44 100"},
		"ada:video":  {"1000", "44", "44"},
		"5":          {"5", "0", "0"},
		"5:6":        {"5", "6", "6"},
		"4294967294": {"4294967294", "0", "0"},
	} {
		cmd := command("minictr", boxArgs("-u", user, "--", "cat", "/proc/self/status")...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{4711, 4712}}}
		r := run(cmd)
		r.want(t, 0)
		four := func(id string) string { return strings.Join([]string{id, id, id, id}, " ") }
		if r.line("Uid") != four(want.uid) || r.line("Gid") != four(want.gid) || r.line("Groups") != want.groups {
			t.Errorf("-u %q: uid %s, gid %s, groups %s; want %+v", user, r.line("Uid"), r.line("Gid"), r.line("Groups"),
				want)
		}
	}
}

// TestIDOverflowRefused: no number overflows to root, and no name is a number.
func TestIDOverflowRefused(t *testing.T) {
	guard(t)
	for _, user := range []string{"4294967296", "4294967295", "-1", "0x0", "0:4294967296", "nobodyknows", "+0"} {
		box(t, "-u", user, "--", "true").refused(t, "user")
	}
}

// TestHostileAccountFilesRefused: /etc/passwd of the image is not a regular file, too
// large, or a link out of the root. No command blocks or uses much memory, and no file
// of the host is read.
func TestHostileAccountFilesRefused(t *testing.T) {
	const huge = 100 << 20
	evil := "evil:x:0:0::/:/bin/sh\n"
	for what, test := range map[string]struct {
		entry entry
		error string // for a user given by name
	}{
		"FIFO": {entry{Header: tar.Header{Typeflag: tar.TypeFifo, Name: "etc/passwd", Mode: 0o644}},
			"not a regular file"},
		"device":           {node(tar.TypeChar, "etc/passwd", 1, 5), "not a regular file"},
		"directory":        {dir("etc/passwd", 0o755), "passwd"},
		"huge":             {file("etc/passwd", 0o644, evil+strings.Repeat("#", huge)), "larger than"},
		"link upwards":     {link("etc/passwd", strings.Repeat("../", 20)+canary+"/passwd"), "passwd"},
		"absolute link":    {link("etc/passwd", canary+"/passwd"), "passwd"},
		"link to /proc":    {link("etc/passwd", "/proc/self/environ"), "passwd"},
		"link to itself":   {link("etc/passwd", "passwd"), "too many levels"},
		"link to a device": {link("etc/passwd", "/dev/zero"), "passwd"},
	} {
		t.Run(what, func(t *testing.T) {
			guard(t)
			image := hostile(t, ocispec.ImageConfig{User: "evil"}, test.entry)
			r := run(command("minictr", "run", "--rm", image, "true"))
			r.refused(t, test.error)
			r.untouched(t)
			r = run(command("minictr", "run", "--rm", "-u", "5:6", image, "cat", "/proc/self/status"))
			if r.code == 0 && (r.line("Uid") != "5 5 5 5" || r.line("Groups") != "6") {
				t.Errorf("-u 5:6: %+v", r)
			}
		})
	}
}
