package hardening

// Rows 2 to 9 for exec: the container runs already, and may have changed what it can
// reach.

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// execRefused is the exit code of an exec that failed.
const execRefused = 255

// TestExecWorkdirThroughProcFdRefused: --cwd, or a link in the root, leads to a
// descriptor of the caller or of minictr-oci.
func TestExecWorkdirThroughProcFdRefused(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "sleep")
	b.live(t)
	tried := []string{"/proc/self/cwd", "/proc/1/root", "/proc/self/root/..", "/proc/self/task/1/cwd"}
	for n := 3; n < hostFDs; n += 3 {
		b.replace(t, fmt.Sprintf("door%d", n), fmt.Sprintf("/proc/self/fd/%d", n))
		tried = append(tried, fmt.Sprintf("/door%d", n), fmt.Sprintf("/proc/self/fd/%d", n),
			fmt.Sprintf("/proc/self/fd/%d/..", n+1))
	}
	for _, cwd := range tried {
		cmd := b.oci("exec", "--cwd", cwd, "--", "/probe", "cwd")
		cmd.ExtraFiles = leak(t)
		r := run(cmd)
		r.untouched(t)
		if r.want(t, execRefused); !strings.Contains(r.stderr, "process.cwd") {
			t.Errorf("%s: the error does not say that it is about process.cwd: %s", cwd, r.stderr)
		}
	}
	b.replace(t, "here", "/tmp")
	for cwd, want := range map[string]string{"/here": "/tmp", "/../../tmp": "/tmp", "/": "/"} {
		if r := b.exec("--cwd", cwd, "--", "/probe", "cwd"); r.line("cwd") != want {
			t.Errorf("--cwd %s: %+v", cwd, r)
		}
	}
}

// TestOnlyPreservedDescriptorsOpen: a process has the standard streams and exactly as
// many descriptors as --preserve-fds says, by run, by create and start, and by exec.
func TestOnlyPreservedDescriptorsOpen(t *testing.T) {
	guard(t)
	for n := range 4 {
		preserve := "--preserve-fds=" + strconv.Itoa(n)
		check := func(how string, r result) {
			t.Helper()
			names := []string{"", filepath.Base(canary), "file", "secret"}
			if got := strings.Count(r.stdout, "\n"); got != 3+n {
				t.Errorf("%s %s: %d descriptors, want %d: %s%s", how, preserve, got, 3+n, r.stdout, r.stderr)
			}
			for k := 1; k <= n; k++ {
				if to := r.line(strconv.Itoa(2 + k)); filepath.Base(to) != names[k] && to != "/" {
					t.Errorf("%s %s: descriptor %d is %s", how, preserve, 2+k, to)
				}
			}
		}
		b := newBundle(t, "/probe", "fds")
		cmd := b.command(t, leak(t)...)
		cmd.Args = slices.Insert(cmd.Args, 4, preserve)
		check("run", run(cmd))
		cmd = b.creating(t, preserve)
		cmd.ExtraFiles = leak(t)
		b.begin(t, cmd).want(t, 0)
		run(b.oci("start")).want(t, 0)
		b.ended(t)
		check("create", b.out(t))
		b = newBundle(t, "/probe", "sleep")
		b.live(t)
		for _, tty := range []string{"--tty=false", "--tty"} {
			cmd = b.oci("exec", tty, preserve, "--", "/probe", "fds")
			cmd.ExtraFiles = leak(t)
			check("exec "+tty, run(cmd))
		}
	}
	// more than are open: those that the test itself inherited, and none of minictr-oci's own
	b := newBundle(t, "/probe", "fds")
	cmd := b.command(t, leak(t)...)
	cmd.Args = slices.Insert(cmd.Args, 4, "--preserve-fds=100")
	host := exec.Command(filepath.Join(bin, "probe"), "fds")
	host.ExtraFiles = cmd.ExtraFiles
	got, inherited := run(cmd), run(host)
	got.want(t, 0)
	for i, open := range strings.Split(got.stdout, "\n") {
		if i >= 3 && !strings.Contains(inherited.stdout, open) {
			t.Errorf("--preserve-fds=100: %s", open)
		}
	}
}

// process writes a file for exec --process.
func (b *bundle) process(t *testing.T, change func(*specs.Process), words ...string) (flag string) {
	t.Helper()
	p := *b.spec.Process
	p.Args = words
	change(&p)
	data, err := json.Marshal(p)
	testkit.Check(t, err)
	file := filepath.Join(t.TempDir(), "process.json")
	testkit.Check(t, os.WriteFile(file, data, 0o644))
	return "--process=" + file
}

// powerful lets a container change its own mounts.
func (b *bundle) powerful() {
	b.spec.Linux.Seccomp = nil
	b.allow("CAP_SYS_ADMIN", "CAP_MKNOD")
}

func (b *bundle) allow(names ...string) {
	c := b.spec.Process.Capabilities
	for _, set := range []*[]string{&c.Bounding, &c.Effective, &c.Permitted} {
		*set = append(slices.Clip(*set), names...)
	}
}

// TestExecIgnoresFakeProc: the container has mounted something over its /proc. Settings
// of the new process are written to procfs.
func TestExecIgnoresFakeProc(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "mount -t tmpfs none /proc && mkdir -p /proc/self/attr && "+
		"touch /proc/self/oom_score_adj /proc/self/attr/exec && touch /ready && exec sleep 1000")
	b.powerful()
	b.live(t)
	testkit.Eventually(t, "the fake", func() bool { return exists(filepath.Join(b.root, "ready")) })
	score := 321
	started := filepath.Join(t.TempDir(), "pid")
	flag := b.process(t, func(p *specs.Process) { p.OOMScoreAdj = &score }, "sleep", "1000")
	cmd := b.oci("exec", "--detach", "--pid-file="+started, flag)
	b.begin(t, cmd).want(t, 0)
	adj := testkit.ReadFile(t, fmt.Sprintf("/proc/%s/oom_score_adj", testkit.ReadFile(t, started)))
	testkit.Equal(t, "oom_score_adj", adj, "321\n")
	if r := b.exec("--", "cat", "/proc/self/oom_score_adj", "/proc/self/attr/exec"); r.stdout != "" {
		t.Errorf("written to the fake: %q", r.stdout)
	}
}

// TestExecTerminalIgnoresFakes: the container's /dev has fakes in the places of
// terminals. The host opens none and blocks on none.
func TestExecTerminalIgnoresFakes(t *testing.T) {
	guard(t)
	pts := func(b *bundle) string { return filepath.Join(b.root, "dev/pts") }
	for what, fake := range map[string]func(b *bundle) error{
		"link to the host":   func(b *bundle) error { return os.Symlink(canary, pts(b)) },
		"link upwards":       func(b *bundle) error { return os.Symlink("../../../../../dev/pts", pts(b)) },
		"link through /proc": func(b *bundle) error { return os.Symlink("/proc/self/fd/3", pts(b)) },
		"link to /proc/1":    func(b *bundle) error { return os.Symlink("/proc/1/root/dev/pts", pts(b)) },
		"FIFO":               func(b *bundle) error { return unix.Mkfifo(pts(b), 0o666) },
		"nothing":            func(b *bundle) error { return nil },
		"directory with a FIFO": func(b *bundle) error {
			os.Mkdir(pts(b), 0o755)
			return unix.Mkfifo(filepath.Join(pts(b), "ptmx"), 0o666)
		},
		"directory with a link": func(b *bundle) error {
			os.Mkdir(pts(b), 0o755)
			return os.Symlink("/dev/pts/ptmx", filepath.Join(pts(b), "ptmx"))
		},
		"directory with a device": func(b *bundle) error {
			os.Mkdir(pts(b), 0o755)
			return unix.Mknod(filepath.Join(pts(b), "ptmx"), unix.S_IFCHR|0o666, int(unix.Mkdev(5, 2)))
		},
	} {
		b := newBundle(t, "/probe", "sleep")
		b.unmount(below("/dev"))
		b.live(t)
		testkit.Check(t, fake(b))
		r := b.exec("--tty", "--", "true")
		if r.untouched(t); r.code != execRefused || !strings.Contains(r.stderr, "process.terminal") {
			t.Errorf("%s: want a refusal: %+v", what, r)
		}
	}
}

// TestExecTerminalIgnoresCoveredPtmx: a container has mounted something over ptmx. exec
// opens the file below, and the terminal is real.
func TestExecTerminalIgnoresCoveredPtmx(t *testing.T) {
	guard(t)
	for what, cover := range map[string]string{
		"FIFO": "mkfifo /cover", "device": "mknod /cover c 1 5", "another terminal's": "mknod /cover c 5 2",
		"file": "touch /cover",
	} {
		b := newBundle(t, "sh", "-c", cover+" && mount --bind /cover /dev/pts/ptmx && touch /ready; exec sleep 1000")
		testkit.Check(t, os.Symlink("busybox", filepath.Join(b.root, "bin/mkfifo")))
		b.powerful()
		b.live(t)
		testkit.Eventually(t, what, func() bool { return exists(filepath.Join(b.root, "ready")) })
		r := b.exec("--tty", "--", "true")
		if r.code != execRefused || !strings.Contains(r.stderr, "EXDEV") &&
			!strings.Contains(r.stderr, "cross-device") {
			t.Errorf("%s: want it to be seen that something is mounted there: %+v", what, r)
		}
	}
}

// TestExecIgnoresOldPtyNames: exec ignores links at the BSD names of terminals.
func TestExecIgnoresOldPtyNames(t *testing.T) {
	guard(t)
	b := newBundle(t, "sh", "-c", "rm -f /dev/ptmx /dev/console /dev/tty; for n in ptmx console tty; do ln "+
		"-s "+filepath.Join(canary, "null")+" /dev/$n; done; touch /ready; exec sleep 1000")
	testkit.Check(t, os.Symlink("busybox", filepath.Join(b.root, "bin/ln")))
	b.live(t)
	testkit.Eventually(t, "the links", func() bool { return exists(filepath.Join(b.root, "ready")) })
	if r := b.exec("--tty", "--", "sh", "-c", "[ -t 0 ] && readlink /dev/console && readlink /dev/ptmx"); r.code != 0 ||
		strings.Count(r.stdout, "canary") != 2 {
		t.Errorf("want a terminal, and the links as they were: %+v", r)
	}
}

// TestNamespacePathsChecked: a path to join must be a namespace of the given type. The
// host blocks on none.
func TestNamespacePathsChecked(t *testing.T) {
	guard(t)
	dir := t.TempDir()
	for name, make := range fakes {
		testkit.Check(t, make(filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))))
	}
	paths := []string{"/" + strings.Repeat("n", 300), strings.Repeat("/long", 1000), "/proc/1/ns/net\x00/x",
		"proc/1/ns/net", "/proc/1/ns/mnt", "/proc/1/ns/nothing", "/proc/self/fd/0"}
	fake, _ := filepath.Glob(dir + "/*")
	for _, kind := range []specs.LinuxNamespaceType{specs.NetworkNamespace, specs.PIDNamespace, specs.UTSNamespace,
		specs.TimeNamespace} {
		for _, path := range append(paths, fake...) {
			b := newBundle(t, "true")
			b.spec.Hostname = ""
			b.spec.Linux.Namespaces = slices.DeleteFunc(b.spec.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
				return n.Type == kind
			})
			b.spec.Linux.Namespaces = append(b.spec.Linux.Namespaces, specs.LinuxNamespace{Type: kind, Path: path})
			r := b.run(t)
			if r.refused(t, "linux.namespaces"); len(r.stderr) > 8000 {
				t.Errorf("%.50s: an error of %d bytes", path, len(r.stderr))
			}
		}
		paths = paths[:3] // the others do not depend on the type
		fake = fake[:2]
	}
}

// TestExecInheritsNoCapability: no capability is inheritable, for no caller, and --cap
// grants the given ones alone.
func TestExecInheritsNoCapability(t *testing.T) {
	guard(t)
	const none, eleven, withNetRaw = "0000000000000000", "00000000800405fb", "00000000800425fb"
	b := newBundle(t, "/probe", "sleep")
	b.live(t)
	for _, test := range []struct{ flags, effective, bounding string }{
		{"", eleven, eleven},
		{"--user=1000:100", none, eleven},
		{"--cap=CAP_NET_RAW", withNetRaw, withNetRaw},
	} {
		cmd := b.oci("exec", append(strings.Fields(test.flags), "--", "cat", "/proc/self/status")...)
		cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_CHOWN, unix.CAP_SYS_ADMIN}}
		r := run(cmd)
		for key, want := range map[string]string{"CapInh": none, "CapAmb": none, "CapEff": test.effective,
			"CapBnd": test.bounding, "NoNewPrivs": "1", "Seccomp": "2"} {
			testkit.Equal(t, fmt.Sprintf("%s: %s", test.flags, key), r.line(key), want)
		}
	}
	flag := b.process(t, func(p *specs.Process) { p.Capabilities = nil }, "cat", "/proc/self/status")
	if r := b.exec(flag); r.line("CapEff")+r.line("CapInh")+r.line("CapBnd") != none+none+none {
		t.Errorf("a process without capabilities: %s", r.stdout)
	}
}

// TestExecUserIsStrict: the groups are exactly those of the process, numbers do not
// overflow, names are not looked up.
func TestExecUserIsStrict(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "sleep")
	passwd := []byte("1000:x:0:0::/:/bin/sh\nevil:x:0:0::/:/bin/sh\n")
	testkit.Check(t, os.WriteFile(filepath.Join(b.root, "etc/passwd"), passwd, 0o644))
	b.spec.Process.User.AdditionalGids = []uint32{3}
	b.live(t)
	for flags, want := range map[string]string{
		"": "0 0 3", "--user=1000": "1000 0 3", "--user=1000:5": "1000 5 3", "--user=4294967294:7": "4294967294 7 3",
		"--user=1000 --additional-gids=9 --additional-gids=8": "1000 0 3 8 9",
	} {
		cmd := b.oci("exec", append(strings.Fields(flags), "--", "cat", "/proc/self/status")...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{4711}}}
		r := run(cmd)
		got := strings.Fields(r.line("Uid"))[0] + " " + strings.Fields(r.line("Gid"))[0] + " " + r.line("Groups")
		if r.code != 0 || got != want {
			t.Errorf("%q: %q, want %q: %s", flags, got, want, r.stderr)
		}
	}
	for _, flag := range []string{
		"--user=4294967296", "--user=4294967295", "--user=-1", "--user=evil", "--user=+0", "--user=0x0",
		"--user=0:4294967295", "--user=1000:evil",
		"--additional-gids=-1", "--additional-gids=4294967296", "--additional-gids=4294967295",
	} {
		r := b.exec(flag, "--", "/probe", "cwd")
		if r.code != execRefused || r.stdout != "" {
			t.Errorf("%s: %+v", flag, r)
		}
	}
}

// TestConfigUserIsStrict is the same for process.user. The kernel takes the largest
// 32-bit number as "unchanged", which is root.
func TestConfigUserIsStrict(t *testing.T) {
	guard(t)
	const last = 1<<32 - 1
	for field, user := range map[string]specs.User{
		"process.user.uid": {UID: last}, "process.user.gid": {GID: last},
		"process.user.additionalGids": {AdditionalGids: []uint32{5, last}},
		"process.user.username":       {Username: "root"},
	} {
		b := newBundle(t, "/probe", "cwd")
		b.spec.Process.User = user
		b.run(t).refused(t, field)
	}
	b := newBundle(t, "true")
	b.save(t)
	config := filepath.Join(b.dir, "config.json")
	data := testkit.ReadFile(t, config)
	for _, number := range []string{"4294967296", "-1", "1.5", `"0"`, "1e20"} {
		testkit.Check(t, os.WriteFile(config, []byte(strings.Replace(data, `"uid":0`, `"uid":`+number, 1)), 0o644))
		run(b.oci("run", "--bundle", b.dir)).refused(t, "uid")
	}
}

// TestExecEntersOpenedWorkdir: --cwd is replaced by a link to the host between open and
// fchdir. The process is in the opened directory.
func TestExecEntersOpenedWorkdir(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "sleep")
	vol, trap := filepath.Join(b.root, "vol"), filepath.Join(b.root, "trap")
	testkit.Check(t, os.Mkdir(vol, 0o755))
	testkit.Check(t, os.Symlink("/proc/1/cwd", trap))
	b.live(t)
	cmd := b.oci("exec", "--cwd", "/vol", "--", "/probe", "cwd")
	cmd.ExtraFiles = leak(t)
	r := swapAt(t, cmd, "fchdir", unix.SYS_FCHDIR, 2, vol, trap) // the first enters the root
	if r.untouched(t); r.line("cwd") != "/trap" {
		t.Errorf("want it in the directory that was opened, by its new name: %+v", r)
	}
}

// TestSeccompFilterHoldsInExec: the container's filter holds for exec, and for a
// container that is created and then started.
func TestSeccompFilterHoldsInExec(t *testing.T) {
	guard(t)
	filtered := map[string]string{"af_alg_hi": "EPERM", "keyctl": "EPERM", "bpf": "EPERM", "clone3": "ENOSYS",
		"unknown": "ENOSYS", "getpid": "ok"}
	calls := append([]string{"/probe", "calls"}, slices.Sorted(maps.Keys(filtered))...)
	b := newBundle(t, calls...)
	b.live(t)
	b.ended(t)
	other := newBundle(t, "/probe", "sleep")
	other.live(t)
	for how, r := range map[string]result{
		"create": b.out(t), "exec": other.exec(append([]string{"--"}, calls...)...),
		"exec --user": other.exec(append([]string{"--user=1000", "--"}, calls...)...),
		"exec --tty":  other.exec(append([]string{"--tty", "--"}, calls...)...),
	} {
		for call, want := range filtered {
			testkit.Equal(t, fmt.Sprintf("%s: %s", how, call), r.line(call), want)
		}
	}
}
