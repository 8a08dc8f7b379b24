package hardening

// Rows 11 and 13 to 16 for minictr-oci: its input, its state, and its output.

import (
	"bytes"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestSysctlsFromAllowList: a sysctl is on the allow-list, and written unchanged.
func TestSysctlsFromAllowList(t *testing.T) {
	guard(t)
	for _, name := range []string{
		"kernel.core_pattern", "kernel.msgmax+kernel.core_pattern", "kernel.msgmax\nkernel.core_pattern",
		"kernel.msgmax\x00", "kernel/msgmax", "kernel..msgmax",
		"net.ipv4.conf.../../../kernel/core_pattern", "net/../kernel/core_pattern",
		"net.ipv4.ip_forward/../../../vm/drop_caches", "net", "net.", "", ".", "..",
		"vm.drop_caches", "kernel.hostname ", "fs.mqueue.../../kernel.core_pattern", "KERNEL.MSGMAX",
	} {
		b := newBundle(t, "true")
		b.spec.Linux.Sysctl = map[string]string{name: "1"}
		b.run(t).refused(t, "linux.sysctl")
	}
}

// TestMalformedEnvironmentRefused: a variable is NAME=value, for run and exec.
func TestMalformedEnvironmentRefused(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "sleep")
	b.live(t)
	for _, entry := range []string{"", "=", "=x", "NAME", "A=b\x00C=d", "\x00"} {
		other := newBundle(t, "true")
		other.spec.Process.Env = []string{entry}
		other.run(t).refused(t, "process.env")
		r := b.exec(b.process(t, func(p *specs.Process) { p.Env = []string{entry} }, "true"))
		if r.code != execRefused || !strings.Contains(r.stderr, "process.env") {
			t.Errorf("exec with %q: %+v", entry, r)
		}
	}
	home := "HOME=/a\nroot::0:0::/:/bin/sh"
	if r := b.exec("--env", home, "--", "cat", "/proc/self/environ"); !strings.Contains(r.stdout, home+"\x00") {
		t.Errorf("a newline is a byte like others to a program: %+v", r)
	}
}

// TestNoAbstractSockets: running containers have no socket in the abstract namespace,
// and a name that begins with @ is the name of a file.
func TestNoAbstractSockets(t *testing.T) {
	guard(t)
	before := picture{}
	testkit.Check(t, sockets(before))
	evil, err := net.Listen("unix", "@evil")
	testkit.Check(t, err)
	b := newBundle(t, "/probe", "sleep")
	b.live(t)
	b.begin(t, b.oci("exec", "--detach", "--", "/probe", "sleep")).want(t, 0)
	if r := b.begin(t, b.oci("exec", "--detach", "--tty", "--console-socket=@evil", "--", "/probe",
		"sleep")); r.code == 0 {
		t.Error("a terminal was sent to a process in the network namespace")
	}
	terminal := newBundle(t, "true")
	terminal.spec.Process.Terminal = true
	terminal.create(t, "--console-socket=@evil").refused(t, "--console-socket")
	notify := newBundle(t, "true")
	notify.spec.Linux.Seccomp.ListenerPath = "@evil"
	notify.spec.Linux.Seccomp.Syscalls = append(notify.spec.Linux.Seccomp.Syscalls,
		specs.LinuxSyscall{Names: []string{"swapon"}, Action: specs.ActNotify})
	notify.run(t).refused(t, "listenerPath")
	evil.(*net.UnixListener).SetDeadline(time.Now().Add(time.Millisecond)) // connections are in its queue
	if _, err := evil.Accept(); err == nil {
		t.Error("a process connected to the abstract socket")
	}
	evil.Close()
	after := picture{}
	testkit.Check(t, sockets(after))
	if changes := before.Changes(after); len(changes) > 0 {
		t.Errorf("while containers live: %s", changes)
	}
}

// TestStateDirectoriesArePrivate: the state directories are closed to other users,
// whatever the umask, and also if they existed before.
func TestStateDirectoriesArePrivate(t *testing.T) {
	guard(t)
	defer unix.Umask(unix.Umask(0))
	given := filepath.Join(t.TempDir(), "given")
	testkit.Check(t, os.Mkdir(given, 0o755))
	for _, mask := range []int{0, 0o777, 0o022} {
		for _, root := range []string{filepath.Join(t.TempDir(), "new", "deep"), given} {
			unix.Umask(mask)
			b := newBundleUnmasked(t, mask)
			oci := func(words ...string) {
				t.Helper()
				cmd := exec.Command(filepath.Join(bin, "minictr-oci"), append([]string{"--root", root}, words...)...)
				b.begin(t, cmd).want(t, 0)
			}
			oci("create", "--bundle", b.dir, b.id())
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				info, _ := d.Info()
				isLink := d.Type() == fs.ModeSymlink // the mark, which names the version
				if path != given && !isLink && (err != nil || info.Mode().Perm()&0o077 != 0) {
					t.Errorf("umask %#o: %s is %v: %v", mask, path, info.Mode(), err)
				}
				return err
			})
			testkit.Check(t, err)
			oci("start", b.id())
			oci("delete", "--force", b.id())
		}
	}
}

// newBundleUnmasked makes a bundle with its usual file modes.
func newBundleUnmasked(t *testing.T, mask int) *bundle {
	unix.Umask(0o022)
	defer unix.Umask(mask)
	b := newBundle(t, "/probe", "sleep")
	b.save(t)
	testkit.Check(t, os.WriteFile(filepath.Join(b.dir, "out"), nil, 0o644))
	return b
}

// TestHugeInputRefused: a config or process file of a hundred megabytes, an endless one,
// or a FIFO without a writer is an error, at once.
func TestHugeInputRefused(t *testing.T) {
	guard(t)
	host := newBundle(t, "/probe", "sleep")
	host.live(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "config.json")
	for what, make := range map[string]func() error{
		"huge":      func() error { return os.WriteFile(config, bytes.Repeat([]byte(" "), 100<<20), 0o644) },
		"deep":      func() error { return os.WriteFile(config, bytes.Repeat([]byte("["), 10<<20), 0o644) },
		"empty":     func() error { return os.WriteFile(config, nil, 0o644) },
		"FIFO":      func() error { return unix.Mkfifo(config, 0o644) },
		"device":    func() error { return os.Symlink("/dev/zero", config) },
		"directory": func() error { return os.Mkdir(config, 0o755) },
	} {
		os.RemoveAll(config)
		testkit.Check(t, make())
		for _, cmd := range []*exec.Cmd{
			command("minictr-oci", "run", "--bundle", dir, "huge"), command("minictr-oci", "create", "--bundle", dir,
				"huge"),
			host.oci("exec", "--process="+config),
		} {
			if what == "FIFO" && cmd.Args[3] == "exec" {
				continue // a process may come from a pipe
			}
			r := run(exec.Command("prlimit", append([]string{"--data=200000000"}, cmd.Args...)...))
			if r.code != 1 && r.code != execRefused || len(r.stderr) > 1000 {
				t.Errorf("%s, %s: want a refusal: code %d, %.300q", cmd.Args[3], what, r.code, r.stderr)
			}
		}
	}
}

// TestConsoleSocketBlocksNoCommand: a console socket whose owner does not read, or a
// file that is no socket.
func TestConsoleSocketBlocksNoCommand(t *testing.T) {
	guard(t)
	dir := t.TempDir()
	busy := filepath.Join(dir, "busy")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	testkit.Check(t, err)
	defer unix.Close(fd)
	testkit.Check(t, unix.Bind(fd, &unix.SockaddrUnix{Name: busy}))
	unix.Listen(fd, 0)
	first, err := net.Dial("unix", busy)
	testkit.Check(t, err)
	defer first.Close()
	os.WriteFile(filepath.Join(dir, "file"), nil, 0o644)
	unix.Mkfifo(filepath.Join(dir, "FIFO"), 0o644)
	for _, name := range []string{"busy", "file", "FIFO", "none", strings.Repeat("long", 100)} {
		b := newBundle(t, "true")
		b.spec.Process.Terminal = true
		b.create(t, "--console-socket="+filepath.Join(dir, name)).refused(t, "--console-socket")
	}
}

// TestHeldPipeDelaysNoStart: a process in a created container holds the pipes on which
// it waits. start does not wait for that process.
func TestHeldPipeDelaysNoStart(t *testing.T) {
	guard(t)
	b := newBundle(t, "/probe", "sleep")
	b.create(t).want(t, 0)
	held := "for n in /proc/1/fd/*; do [ -p $n ] && exec 9<>$n && sleep 1000 & done; touch /ready; sleep 1000"
	b.begin(t, b.oci("exec", "--detach", "--", "sh", "-c", held)).want(t, 0)
	testkit.Eventually(t, "the pipes are held", func() bool { return exists(filepath.Join(b.root, "ready")) })
	run(b.oci("start")).want(t, 0)
	if s := b.state(t); s.Status != specs.StateRunning {
		t.Errorf("it is %s", s.Status)
	}
}

// TestControlBytesOfBundlesEscaped: control bytes in the names of a bundle, an ID, a
// file or a container reach neither the terminal nor the log.
func TestControlBytesOfBundlesEscaped(t *testing.T) {
	guard(t)
	evil := "evil" + controls
	b := newBundle(t, "/probe", "sleep", evil)
	b.dir = filepath.Join(b.dir, strings.ReplaceAll(evil, "/", ""))
	testkit.Check(t, os.Mkdir(b.dir, 0o755))
	b.spec.Root.Path = b.root
	b.spec.Annotations = map[string]string{evil: evil}
	b.spec.Hooks = &specs.Hooks{Poststop: []specs.Hook{shell("echo " + controls + "; exit 1")}}
	b.live(t)
	log := filepath.Join(t.TempDir(), "log")
	shows := func(words ...string) {
		t.Helper()
		for _, format := range []string{"text", "json"} {
			flags := []string{"--log", log, "--log-format", format, "--debug"}
			r := run(command("minictr-oci", append(flags, words...)...))
			if steers(r.stdout + r.stderr) {
				t.Errorf("minictr-oci %q prints control bytes:\n%q", words, r.stdout+r.stderr)
			}
		}
	}
	id := b.id()
	for _, words := range [][]string{
		{"list"}, {"list", "--format=json"}, {"state", id}, {"ps", id}, {"ps", id, evil}, {"ps", id, "-ef",
			"-ww"}, {"events", "--stats", id},
		{"state", evil}, {"start", evil}, {"start", id}, {"kill", id, evil}, {"kill", evil}, {"delete",
			evil}, {"delete", id}, {"pause", evil},
		{"update", id, "--memory", evil}, {"update", "--resources", evil, id}, {"list", "--format", evil}, {"list",
			evil}, {evil}, {"--" + evil}, {"create", "--bundle", evil, "x"},
		{"create", "--bundle", b.dir, evil}, {"create", "--bundle", b.dir, id}, {"create", "--bundle", b.dir,
			"--console-socket", evil, "x"}, {"create", "--bundle", b.dir, "--pid-file", "/" + evil + "/x", "x"},
		{"exec", id, evil}, {"exec", id, "/" + evil}, {"exec", "--cwd", "/" + evil, id, "true"}, {"exec", "--cwd", evil,
			id, "true"}, {"exec", "--user", evil, id, "true"},
		{"exec", "--env", "=" + evil, id, "true"}, {"exec", "--cap", evil, id, "true"}, {"exec", "--cgroup", evil, id,
			"true"}, {"exec", "--process", evil, id},
		{"exec", "--apparmor", evil, id, "true"}, {"exec", "--process-label", evil, id, "true"}, {"exec",
			"--additional-gids", evil, id, "true"},
		{"delete", "--force", id},
	} {
		shows(words...)
	}
	data, err := os.ReadFile(log)
	if err != nil || len(data) == 0 || steers(string(data)) {
		t.Errorf("the log has control bytes in it: %v", err)
		for line := range strings.Lines(string(data)) {
			if steers(line) {
				t.Logf("%q", line)
			}
		}
	}
}
