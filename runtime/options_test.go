package runtime

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Options of the commands: descriptors, console socket, PID file, chroot instead of
// pivot_root; and what start reports.

// TestPreserveFds: the program inherits as many descriptors as the option says, with
// their numbers, and no other.
func TestPreserveFds(t *testing.T) {
	const list = "ls /proc/self/fd | tr '\\n' ' '"
	c := newContainer(t, unchanged, "("+list+"; cat <&4; echo done) > /seen; sleep 60")
	for _, name := range []string{"three", "four", "five"} {
		testkit.Check(t, os.WriteFile(c.file(name), []byte(name+"\n"), 0o600))
		file, err := os.Open(c.file(name))
		testkit.Check(t, err)
		defer file.Close()
		c.inherited = append(c.inherited, file)
	}
	c.must(t, "create", "--preserve-fds", "2", c.id)
	c.start(t)
	want(t, report(t, c.file("rootfs/seen")), "0 1 2 3 4 5 four") // ls opens 5
	_, err := c.inherited[1].Seek(0, 0)
	testkit.Check(t, err)
	want(t, c.must(t, "exec", "--preserve-fds", "2", c.id, "sh", "-c", list+"; cat <&4"), "0 1 2 3 4 5 four")
	want(t, c.must(t, "exec", c.id, "sh", "-c", list), "0 1 2 3")
	// of more than are open, those that are open
	want(t, c.must(t, "exec", "--preserve-fds", "4", c.id, "sh", "-c", list), "0 1 2 3 4 5 6")
}

// TestNoPivot: after chroot(2) the root looks the same from inside.
func TestNoPivot(t *testing.T) {
	c := newContainer(t, unchanged, "ls /; cat /proc/self/mounts | grep -c .")
	names := func(out string) string { return out[:strings.LastIndex(out, "\n")] }
	want(t, names(c.must(t, "run", "--no-pivot", c.id)), names(c.run(t)))
}

// TestWithoutProcess: a container without a process is created, entered and deleted,
// and cannot be started (config.md, "process").
func TestWithoutProcess(t *testing.T) {
	c := newContainer(t, func(s *specs.Spec) { s.Process = nil }, "")
	c.create(t)
	c.fails(t, []string{"start", c.id}, "its config has no process")
	want(t, c.exec(t, "{}", "echo hello"), "hello")
	c.fails(t, []string{"run", c.id + "-run"}, "process")
}

// TestPidFile: the file holds the host's PID of the process.
func TestPidFile(t *testing.T) {
	c := newContainer(t, unchanged, "sleep 60")
	c.must(t, "create", "--pid-file", c.file("pid"), c.id)
	want(t, testkit.ReadFile(t, c.file("pid")), strconv.Itoa(c.pid(t)))
	c.start(t)
	c.must(t, "exec", "--detach", "--pid-file", c.file("other"), c.id, "sleep", "61")
	words := testkit.ReadFile(t, "/proc/"+testkit.ReadFile(t, c.file("other"))+"/cmdline")
	want(t, strings.ReplaceAll(words, "\x00", " "), "sleep 61 ")
	c.fails(t, []string{"exec", "--pid-file", "/no/such/directory/pid", c.id, "ls"}, "--pid-file")
}

// devpts mounts /dev/pts.
func devpts(s *specs.Spec) {
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
		Options: []string{"newinstance", "ptmxmode=0666"}})
}

// TestConsoleSocket: create and exec send the master of the terminal to the socket. It
// is an error if no process listens there, or the process has no terminal.
func TestConsoleSocket(t *testing.T) {
	c := newContainer(t, devpts, "stty size; read x; echo got $x; sleep 60")
	c.spec.Process.Terminal, c.spec.Process.ConsoleSize = true, &specs.Box{Height: 24, Width: 81}
	socket := c.file("console")
	c.fails(t, []string{"create", "--console-socket", socket, c.id}, "--console-socket: ")
	sent := terminals(t, socket)
	c.must(t, "create", "--console-socket", socket, c.id)
	c.start(t)
	converse(t, <-sent, "24 81\r\n", "hello\n", "got hello\r\n")
	c.must(t, "exec", "--detach", "--tty", "--console-socket", socket, c.id,
		"sh", "-c", "test -t 0 && test -t 2 && read x; echo got $x; sleep 60")
	converse(t, <-sent, "", "again\n", "got again\r\n")
	c.fails(t, []string{"exec", "--console-socket", socket, c.id, "true"}, "needs process.terminal")
}

// TestTwoDevpts: the terminal is in that on /dev/pts, and the other is mounted too.
func TestTwoDevpts(t *testing.T) {
	c := newContainer(t, unchanged, "readlink /proc/self/fd/0; ls -d /dev/pts/0; ls /other; sleep 60")
	c.spec.Mounts = append(c.spec.Mounts, specs.Mount{Destination: "/other", Type: "devpts", Source: "devpts",
		Options: []string{"newinstance"}})
	devpts(c.spec)
	c.spec.Process.Terminal = true
	sent := terminals(t, c.file("console"))
	c.must(t, "create", "--console-socket", c.file("console"), c.id)
	c.start(t)
	converse(t, <-sent, "/dev/pts/0\r\n/dev/pts/0\r\nptmx\r\n", "", "")
}

// TestExecInUserNamespace: the user of another process is one of the container's, on
// the host one without rights, and owns its terminal.
func TestExecInUserNamespace(t *testing.T) {
	const outside = 100000
	c := newContainer(t, mapped(outside), "sleep 60")
	devpts(c.spec)
	c.spec.Process.User = specs.User{UID: 7, GID: 8}
	// In a sticky directory only its owner may open a device with O_CREAT.
	c.spec.Mounts[1].Options = []string{"mode=755"}
	testkit.Check(t, os.Chmod(filepath.Dir(c.dir), 0o755), os.Chmod(c.dir, 0o755))
	c.create(t)
	c.start(t)
	want(t, c.must(t, "exec", c.id, "id"), "uid=7 gid=8")
	want(t, c.must(t, "exec", "--user", "1000:9", "--additional-gids", "10", c.id, "id"), "uid=1000 gid=9 groups=10")
	c.fails(t, []string{"exec", "--user", "2000", c.id, "id"}, "2000")
	sent := terminals(t, c.file("console"))
	c.must(t, "exec", "--detach", "--tty", "--console-socket", c.file("console"), "--pid-file", c.file("pid"), c.id,
		"sh", "-c", "stat -c %u /dev/pts/0; read x; echo got $x > /dev/tty; sleep 60")
	converse(t, <-sent, "7\r\n", "hello\n", "got hello")
	owner, err := os.Stat("/proc/" + testkit.ReadFile(t, c.file("pid")))
	testkit.Check(t, err)
	if uid := owner.Sys().(*syscall.Stat_t).Uid; uid != outside+7 {
		t.Errorf("on the host it is user %d, want %d", uid, outside+7)
	}
}

// terminals receives terminals at a socket.
func terminals(t *testing.T, socket string) chan *os.File {
	t.Helper()
	sent := make(chan *os.File, 2)
	listen(t, socket, func(conn *net.UnixConn) {
		fd, _, err := receive(conn)
		if err != nil {
			t.Errorf("no terminal: %v", err)
		}
		unix.SetNonblock(fd, true)
		sent <- os.NewFile(uintptr(fd), "terminal")
	})
	return sent
}

// converse waits until a terminal prints a text, types, and waits again.
func converse(t *testing.T, terminal *os.File, first, typed, then string) {
	t.Helper()
	t.Cleanup(func() { terminal.Close() })
	testkit.Check(t, terminal.SetDeadline(time.Now().Add(testkit.Timeout)))
	await := func(want string) {
		t.Helper()
		seen := ""
		for buf := make([]byte, 4096); !strings.Contains(seen, want); {
			n, err := terminal.Read(buf)
			if err != nil {
				t.Fatalf("it prints %q, want %q: %v", seen, want, err)
			}
			seen += string(buf[:n])
		}
	}
	await(first)
	_, err := terminal.WriteString(typed)
	testkit.Check(t, err)
	await(then)
}

// TestFailedExecveReportedByStart: create has found the program, and start reports that
// it cannot be executed. start does not look for the network device again.
func TestFailedExecveReportedByStart(t *testing.T) {
	newNetwork(t)
	c := newContainer(t, moved("given", ""), "")
	c.spec.Process.Args = []string{"/bin/text"}
	testkit.Check(t, os.WriteFile(c.file("rootfs/bin/text"), []byte("no program\n"), 0o755))
	c.create(t)
	c.fails(t, []string{"start", c.id}, "exec /bin/text: exec format error")
	c.fails(t, []string{"start", c.id}, "cannot start a container that has stopped")
}
