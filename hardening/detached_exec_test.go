package hardening

// Rows 8 to 11 for detached containers: exec enters a running container, which may have
// changed its files.

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"golang.org/x/sys/unix"
)

// TestExecAndHealthCapabilities: exec and health checks have the capabilities of their
// container and inherit none, whatever the caller has.
func TestExecAndHealthCapabilities(t *testing.T) {
	guard(t)
	const none, eleven = "0000000000000000", "00000000800405fb"
	ambient := &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_CHOWN, unix.CAP_SYS_ADMIN}}
	for _, test := range []struct {
		flags, exec []string
		effective   string
		bounding    string
	}{
		{nil, nil, eleven, eleven},
		{nil, []string{"-u", "1000"}, none, eleven},
		{[]string{"-u", "1000"}, nil, none, eleven},
		{[]string{"-u", "1000"}, []string{"-u", "0"}, eleven, eleven},
		{[]string{"--cap-drop", "ALL"}, []string{"-u", "0"}, none, none},
		{[]string{"--cap-drop", "ALL", "--cap-add", "CHOWN"}, nil, "0000000000000001", "0000000000000001"},
	} {
		d := &detached{"capable"}
		cmd := d.command(append(append(test.flags, often("cat /proc/self/status")...), "--", "sleep", "1000")...)
		cmd.SysProcAttr = ambient
		run(cmd).want(t, 0)
		cmd = d.saying(append(append([]string{"exec"}, test.exec...), "--", "cat", "/proc/self/status")...)
		cmd.SysProcAttr = ambient
		check := result{stdout: d.checked(t)}
		for who, r := range map[string]result{"exec": run(cmd), "check": check} {
			effective := test.effective
			if who == "check" && test.exec != nil { // a health check runs as the container's user
				effective = map[bool]string{true: eleven, false: none}[test.flags == nil]
			}
			for key, want := range map[string]string{
				"CapInh": none, "CapAmb": none, "CapEff": effective, "CapPrm": effective, "CapBnd": test.bounding,
				"NoNewPrivs": "1", "Seccomp": "2",
			} {
				testkit.Equal(t, fmt.Sprintf("%v, %s %v: %s", test.flags, who, test.exec, key), r.line(key), want)
			}
		}
		d.say("rm", "-f").want(t, 0)
	}
}

// TestExecUserFromContainerFiles: a name is looked up in the container's present files,
// a number is itself, and no group of the caller is kept.
func TestExecUserFromContainerFiles(t *testing.T) {
	guard(t)
	now := "echo 1000:x:0:0::/:/bin/sh >>/etc/passwd; echo eve:x:7:8::/:/bin/sh >>/etc/passwd; echo late:x:9:eve " +
		">>/etc/group; echo big:x:4294967296:0::/: >>/etc/passwd; touch /ready; exec sleep 1000"
	d := detach(t, "--", "sh", "-c", now)
	testkit.Eventually(t, "its files", func() bool { return d.say("exec", "--", "ls", "/ready").code == 0 })
	for user, want := range map[string]struct{ uid, gid, groups string }{
		"root": {"0", "0", "0 10"}, "eve": {"7", "8", "8 9"}, "eve:video": {"7", "44", "44"}, "1000": {"1000", "100",
			"10 44 100"}, "5": {"5", "0", "0"}, "5:6": {"5", "6", "6"},
	} {
		cmd := d.saying("exec", "-u", user, "--", "cat", "/proc/self/status")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{4711, 4712}}}
		r := run(cmd)
		r.want(t, 0)
		four := func(id string) string { return strings.Join([]string{id, id, id, id}, " ") }
		if r.line("Uid") != four(want.uid) || r.line("Gid") != four(want.gid) || r.line("Groups") != want.groups {
			t.Errorf("-u %q: uid %s, gid %s, groups %s; want %+v", user, r.line("Uid"), r.line("Gid"), r.line("Groups"),
				want)
		}
	}
	for _, user := range []string{"4294967296", "4294967295", "-1", "+0", "0x0", "big", "nobodyknows", "0:4294967296",
		"root\n", "../root", ":nogroup"} {
		d.say("exec", "-u", user, "--", "true").refused(t, "user")
	}
}

// TestExecIgnoresHostileAccountFiles: the running container replaces its /etc/passwd. No
// command blocks, and no file of the host is read.
func TestExecIgnoresHostileAccountFiles(t *testing.T) {
	guard(t)
	passwd := filepath.Join(t.TempDir(), "passwd")
	testkit.Check(t, os.WriteFile(passwd, []byte("evil:x:0:0:canary of the host:/:\n"), 0o644))
	given := t.TempDir()
	testkit.Check(t, unix.Mknod(filepath.Join(given, "socket"), unix.S_IFSOCK|0o666, 0))
	d := detach(t, "-v", given+":/given", "--", "sleep", "1000")
	refused := func(what string) {
		t.Helper()
		r := run(d.limited("exec", "-u", "evil", "--", "true"))
		if r.code != exitFailure || !strings.Contains(r.stderr, "passwd") {
			t.Errorf("%s: want a refusal: %+v", what, r)
		}
		if r := run(d.limited("exec", "-u", "5:6", "--", "cat", "/proc/self/status")); r.code == 0 &&
			(r.line("Uid") != "5 5 5 5" || r.line("Groups") != "6") {
			t.Errorf("%s: -u 5:6: %+v", what, r)
		}
	}
	for what, make := range map[string]string{
		"FIFO": "busybox mkfifo /fifo; busybox ln /fifo /etc/passwd; (: >/fifo; touch /opened) " +
			">/dev/null 2>&1 &",
		"directory":           "busybox mkdir /etc/passwd",
		"a gigabyte":          "busybox truncate -s 1G /etc/passwd",
		"link upwards":        "busybox ln -s ../../../../../.." + passwd + " /etc/passwd",
		"absolute link":       "busybox ln -s " + passwd + " /etc/passwd",
		"link through /proc":  "busybox ln -s /proc/self/root" + passwd + " /etc/passwd",
		"link to a door":      "busybox ln -s /proc/1/cwd" + passwd + " /etc/passwd",
		"link to itself":      "busybox ln -s passwd /etc/passwd",
		"link to a device":    "busybox ln -s /dev/zero /etc/passwd",
		"link to a terminal":  "busybox ln -s /dev/console /etc/passwd",
		"the kernel's log":    "busybox ln -s /proc/kmsg /etc/passwd",
		"the kernel's events": "busybox ln -s /proc/self/mountinfo /etc/passwd",
		"nothing":             "true",
		"socket":              "busybox cp -a /given/socket /etc/passwd",
	} {
		d.say("exec", "--", "sh", "-c", "rm -rf /etc/passwd; "+make)
		refused(what)
	}
	if d.say("exec", "--", "ls", "/opened").code == 0 {
		t.Error("the FIFO was opened: its reader returned")
	}
	swap := "rm -rf /etc/passwd; echo root:x:0:0::/: >/etc/good; busybox ln -s " + passwd +
		" /etc/bad; while :; do busybox ln -sf good /etc/a; busybox mv -T /etc/a /etc/passwd; busybox ln -sf bad " +
		"/etc/a; busybox mv -T /etc/a /etc/passwd; done"
	d.say("exec", "-d", "--", "sh", "-c", swap).want(t, 0)
	for range 20 {
		refused("swapped")
	}
}

// limited is saying, with little memory.
func (d *detached) limited(words ...string) *exec.Cmd {
	return exec.Command("prlimit", append([]string{"--data=200000000"}, d.saying(words...).Args...)...)
}

// TestExecEnvironmentNotInjected: a byte that ends a line or a list ends neither HOME
// nor the environment, whether it comes from the caller or from the container's files.
func TestExecEnvironmentNotInjected(t *testing.T) {
	guard(t)
	d := detach(t, "--", "sh", "-c",
		`printf 'nul:x:5:5::/a\0EVIL=1:/\ntab:x:6:6::/a\tb:/\n' >>/etc/passwd; touch /ready; exec sleep 1000`)
	testkit.Eventually(t, "its files", func() bool { return d.say("exec", "--", "ls", "/ready").code == 0 })
	for _, words := range [][]string{
		{"-e", "HOME=/a\nroot::0:0::/:/bin/sh"}, {"-e", "HOME=/a:b"}, {"-e", "=x"}, {"-e", ""}, {"-u", "nul"}, {"-w",
			"relative"}, {"-w", "/a\x1b"},
	} {
		r := d.say(slices.Concat([]string{"exec"}, words, []string{"--", "cat", "/proc/self/environ"})...)
		if r.code == 0 && words[1] != "/a\x1b" || strings.Contains(r.stdout, "EVIL") ||
			strings.Contains(r.stdout, "root::") {
			t.Errorf("exec %q: %+v", words, r)
		}
	}
	if r := d.say("exec", "-u", "tab", "--", "cat", "/proc/self/environ"); !strings.Contains(r.stdout,
		"HOME=/a\tb\x00") {
		t.Errorf("a tab is a byte like others: %+v", r)
	}
	for _, words := range [][]string{
		{"-e", "HOME=/a\nb"}, {"-e", "=x"}, {"--sysctl", "kernel.core_pattern=x"}, {"--sysctl",
			"kernel.msgmax+kernel.core_pattern=1"}, {"--sysctl", "kernel.msgmax\nkernel.core_pattern=1"},
		{"--sysctl", "net/../kernel/core_pattern=1"}, {"--label", "=x"}, {"--hostname", "a\nb"}, {"--hostname",
			"a/b"}, {"--name", "a\nb"}, {"--health-interval", "1s\n"},
		{"--log-opt", "path=/" + canary}, {"--restart", "always\n"}, {"--stop-signal", "9\n"}, {"--cidfile",
			canary + "/file"},
	} {
		for _, verb := range [][]string{{"create"}, {"run", "-d"}} {
			r := run(command("minictr", slices.Concat(verb, words, []string{"box", "true"})...))
			if r.code == 0 {
				t.Errorf("%s %q: it was made", verb, words)
				run(command("minictr", "rm", "-f", strings.TrimSpace(r.stdout)))
			}
		}
	}
}
