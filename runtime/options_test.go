package runtime

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// What a process is started with beside its config: descriptors, a terminal's other
// side, a file for its number, a root that cannot be pivoted to.

// TestPreserveFds: the program inherits as many descriptors as are said, with their
// numbers, and no other.
func TestPreserveFds(t *testing.T) {
	const list = "ls /proc/self/fd | tr '\\n' ' '"
	c := newContainer(t, func(*specs.Spec) {}, "("+list+"; cat <&4; echo done) > /seen; sleep 60")
	try(t, os.Symlink("sh", c.file("rootfs/bin/tr")))
	for _, name := range []string{"three", "four", "five"} {
		try(t, os.WriteFile(c.file(name), []byte(name+"\n"), 0o600))
		file, err := os.Open(c.file(name))
		try(t, err)
		defer file.Close()
		c.inherited = append(c.inherited, file)
	}
	c.must(t, "create", "--bundle", c.dir, "--preserve-fds", "2", c.id)
	c.start(t)
	want(t, report(t, c.file("rootfs/seen")), "0 1 2 3 4 5 four") // 5 is what ls has opened
	_, err := c.inherited[1].Seek(0, 0)
	try(t, err)
	want(t, c.must(t, "exec", "--preserve-fds", "2", c.id, "sh", "-c", list+"; cat <&4"), "0 1 2 3 4 5 four")
	want(t, c.must(t, "exec", c.id, "sh", "-c", list), "0 1 2 3")
	if out, err := c.oci("exec", "--preserve-fds", "9", c.id, "true"); err == nil ||
		!strings.Contains(out, "--preserve-fds: descriptor 6") {
		t.Errorf("of more than there are: %v\n%s", err, out)
	}
}

// TestNoPivot: the root is changed by chroot(2), and from inside it looks the same.
func TestNoPivot(t *testing.T) {
	c := newContainer(t, func(*specs.Spec) {}, "ls /; cat /proc/self/mounts | grep -c .")
	pivoted := c.run(t)
	plain := c.must(t, "run", "--bundle", c.dir, "--no-pivot", c.id)
	if a, b := strings.Fields(pivoted), strings.Fields(plain); strings.Join(a[:len(a)-1],
		" ") != strings.Join(b[:len(b)-1], " ") {
		t.Errorf("%s\n\nwithout pivot_root:\n%s", pivoted, plain)
	}
}

// TestWithoutProcess: such a container is created, entered and deleted; there is
// nothing to start (config.md, "process").
func TestWithoutProcess(t *testing.T) {
	c := newContainer(t, func(s *specs.Spec) { s.Process = nil }, "")
	c.create(t)
	out, err := c.oci("start", c.id)
	if err == nil || !strings.Contains(out, "its config has no process") {
		t.Errorf("start: %v\n%s", err, out)
	}
	try(t,
		os.WriteFile(c.file("process.json"),
			[]byte(`{"args": ["sh", "-c", "echo hello"], "env": ["PATH=/bin"], "cwd": "/"}`), 0o600))
	want(t, c.must(t, "exec", "--process", c.file("process.json"), c.id), "hello")
	if out, err := c.oci("run", "--bundle", c.dir, c.id+"-run"); err == nil || !strings.Contains(out, "process") {
		t.Errorf("run: %v\n%s", err, out)
	}
}

// TestPidFile: it holds the number of the process as the host counts, whole.
func TestPidFile(t *testing.T) {
	c := newContainer(t, func(*specs.Spec) {}, "sleep 60")
	c.must(t, "create", "--bundle", c.dir, "--pid-file", c.file("pid"), c.id)
	read := func(name string) string {
		data, err := os.ReadFile(c.file(name))
		try(t, err)
		return string(data)
	}
	want(t, read("pid"), strconv.Itoa(c.pid(t)))
	c.start(t)
	c.must(t, "exec", "--detach", "--pid-file", c.file("other"), c.id, "sleep", "61")
	words, err := os.ReadFile("/proc/" + read("other") + "/cmdline")
	try(t, err)
	want(t, string(bytes.ReplaceAll(words, []byte{0}, []byte(" "))), "sleep 61 ")
	if out, err := c.oci("exec", "--pid-file", "/no/such/folder/pid", c.id, "ls"); err == nil ||
		!strings.Contains(out, "--pid-file") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestConsoleSocket: an engine gets the other side of the terminal, of create and of
// exec; nobody who listens is an error, and so is nothing to send.
func TestConsoleSocket(t *testing.T) {
	c := newContainer(t, func(s *specs.Spec) {
		s.Process.Terminal, s.Process.ConsoleSize = true, &specs.Box{Height: 24, Width: 81}
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
			Options: []string{"newinstance", "ptmxmode=0666"}})
	}, "stty size; read x; echo got $x; sleep 60")
	try(t, os.Symlink("sh", c.file("rootfs/bin/stty")))
	socket := c.file("console")
	if out, err := c.oci("create", "--bundle", c.dir, "--console-socket", socket, c.id); err == nil ||
		!strings.Contains(out, "--console-socket: ") {
		t.Errorf("nobody listens: %v\n%s", err, out)
	}
	sent := terminals(t, socket)
	c.must(t, "create", "--bundle", c.dir, "--console-socket", socket, c.id)
	c.start(t)
	first := <-sent
	defer first.Close()
	converse(t, first, "24 81\r\n", "hello\n", "got hello\r\n")
	c.must(t, "exec", "--detach", "--tty", "--console-socket", socket, c.id, "sh", "-c",
		"test -t 0 && test -t 2 && read x; echo got $x; sleep 60")
	second := <-sent
	defer second.Close()
	converse(t, second, "", "again\n", "got again\r\n")
	if out, err := c.oci("exec", "--console-socket", socket, c.id, "true"); err == nil ||
		!strings.Contains(out, "needs process.terminal") {
		t.Errorf("without a terminal: %v\n%s", err, out)
	}
}

// TestExecInUserNamespace: whoever joins it is who it says by the container's count,
// outside somebody without rights, and has a terminal that is its own.
func TestExecInUserNamespace(t *testing.T) {
	const outside = 100000
	c := newContainer(t, func(s *specs.Spec) {
		mapped(s)
		s.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: outside, Size: 2000}}
		s.Linux.GIDMappings = s.Linux.UIDMappings
		s.Process.User = specs.User{UID: 7, GID: 8}
		s.Mounts[1].Options = []string{"mode=755"} // in a folder as /tmp is, only its owner opens a device with O_CREAT
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/dev/pts", Type: "devpts", Source: "devpts",
			Options: []string{"newinstance", "ptmxmode=0666"}})
	}, "sleep 60")
	for _, path := range []string{filepath.Dir(c.dir), c.dir} { // root.path is a stranger's
		try(t, os.Chmod(path, 0o755))
	}
	try(t, os.Symlink("sh", c.file("rootfs/bin/stat")))
	c.create(t)
	c.start(t)
	want(t, c.must(t, "exec", c.id, "id"), "uid=7 gid=8")
	want(t, c.must(t, "exec", "--user", "1000:9", "--additional-gids", "10", c.id, "id"), "uid=1000 gid=9 groups=10")
	out, err := c.oci("exec", "--user", "2000", c.id, "id")
	if err == nil || !strings.Contains(out, "2000") {
		t.Errorf("an id that is not mapped: %v\n%s", err, out)
	}
	socket := c.file("console")
	sent := terminals(t, socket)
	c.must(t, "exec", "--detach", "--tty", "--console-socket", socket, "--pid-file", c.file("pid"), c.id, "sh", "-c",
		"stat -c %u /dev/pts/0; read x; echo got $x > /dev/tty; sleep 60")
	terminal := <-sent
	defer terminal.Close()
	converse(t, terminal, "7\r\n", "hello\n", "got hello")
	pid, err := os.ReadFile(c.file("pid"))
	try(t, err)
	owner, err := os.Stat("/proc/" + string(pid))
	try(t, err)
	if uid := owner.Sys().(*syscall.Stat_t).Uid; uid != outside+7 {
		t.Errorf("outside it is user %d, want %d", uid, outside+7)
	}
}

// terminals listens at a socket for those that are sent there.
func terminals(t *testing.T, socket string) chan *os.File {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	try(t, err)
	t.Cleanup(func() { listener.Close() })
	sent := make(chan *os.File, 2)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			sent <- receiveTerminal(t, conn.(*net.UnixConn))
		}
	}()
	return sent
}

func receiveTerminal(t *testing.T, conn *net.UnixConn) *os.File {
	defer conn.Close()
	text, rights := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(text, rights)
	if err == nil {
		if messages, _ := unix.ParseSocketControlMessage(rights[:n]); len(messages) == 1 {
			if fds, _ := unix.ParseUnixRights(&messages[0]); len(fds) == 1 {
				unix.SetNonblock(fds[0], true)
				return os.NewFile(uintptr(fds[0]), "terminal")
			}
		}
	}
	t.Errorf("no terminal came: %v", err)
	return nil
}

// converse waits for what the terminal shows, types, and waits again.
func converse(t *testing.T, terminal *os.File, first, typed, then string) {
	t.Helper()
	try(t, terminal.SetDeadline(time.Now().Add(10*time.Second)))
	await := func(want string) {
		t.Helper()
		var seen []byte
		for buf := make([]byte, 4096); !strings.Contains(string(seen), want); {
			n, err := terminal.Read(buf)
			if err != nil {
				t.Fatalf("%q is shown, and not %q: %v", seen, want, err)
			}
			seen = append(seen, buf[:n]...)
		}
	}
	if first != "" {
		await(first)
	}
	_, err := terminal.WriteString(typed)
	try(t, err)
	await(then)
}
