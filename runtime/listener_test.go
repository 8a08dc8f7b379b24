package runtime

import (
	"encoding/json"
	"errors"
	"net"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// An agent that answers system calls of containers: those it has an answer for;
// the others it lets go on.
type agent struct {
	path    string
	answers map[string]answer                // by the call's name
	told    chan specs.ContainerProcessState // one for each process
}

type answer struct {
	value int64
	errno unix.Errno
}

// The structs of seccomp_unotify(2).
type (
	notification struct {
		id         uint64
		pid, flags uint32
		nr         int32
		arch       uint32
		ip         uint64
		args       [6]uint64
	}
	response struct {
		id           uint64
		value        int64
		errno, flags int32
	}
)

const (
	notifRecv = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	notifSend = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	goOn      = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

func newAgent(t *testing.T, answers map[string]answer) *agent {
	t.Helper()
	a := &agent{filepath.Join(t.TempDir(), "agent"), answers, make(chan specs.ContainerProcessState, 10)}
	l, err := net.Listen("unix", a.path)
	try(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go a.serve(t, conn.(*net.UnixConn))
		}
	}()
	return a
}

// serve takes one listener, and answers until its last process has gone.
func (a *agent) serve(t *testing.T, conn *net.UnixConn) {
	listener, state, err := receive(conn)
	if err != nil {
		t.Errorf("the agent got: %v", err)
		return
	}
	defer unix.Close(listener)
	a.told <- state
	for {
		wait := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(wait, -1); err == nil && wait[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifRecv,
			uintptr(unsafe.Pointer(&n))); errno != 0 {
			continue
		}
		r := response{id: n.id, flags: goOn}
		if a, ok := a.answers[seccomp.Name(goruntime.GOARCH, int(n.nr))]; ok {
			r = response{id: n.id, value: a.value, errno: -int32(a.errno)}
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifSend, uintptr(unsafe.Pointer(&r)))
	}
}

// receive reads one message to its end.
func receive(conn *net.UnixConn) (fd int, state specs.ContainerProcessState, err error) {
	defer conn.Close()
	text, rights := make([]byte, 1<<16), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return 0, state, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil {
		return 0, state, err
	}
	if len(messages) != 1 {
		return 0, state, errors.New("no descriptor")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, state, err
	}
	if err := json.Unmarshal(text[:n], &state); err != nil {
		return 0, state, err
	}
	if more, err := conn.Read(text); more != 0 || err == nil {
		return 0, state, errors.New("the connection is used again")
	}
	return fds[0], state, nil
}

// notify asks the agent about calls.
func (a *agent) notify(names ...string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Annotations = map[string]string{"colour": "blue"}
		s.Linux.Seccomp = &specs.LinuxSeccomp{
			DefaultAction: specs.ActAllow, ListenerPath: a.path, ListenerMetadata: "about calls",
			Syscalls: []specs.LinuxSyscall{{Names: names, Action: specs.ActNotify}},
		}
	}
}

// next is what the agent is told of a process.
func (a *agent) next(t *testing.T) specs.ContainerProcessState {
	t.Helper()
	select {
	case s := <-a.told:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("the agent is told nothing")
	}
	panic("not reached")
}

func (c *container) pid(t *testing.T) int {
	t.Helper()
	var s specs.State
	try(t, json.Unmarshal([]byte(c.must(t, "state", c.id)), &s))
	return s.Pid
}

// A container's calls are answered by an agent: in each of the lives that a process
// can have, loaded by one that may gain privileges, and by one that may not.
func TestListener(t *testing.T) {
	const words = "echo parent $PPID; mkdir /full"
	const answered = "parent 4242\nmkdir: can't create directory '/full': Disk quota exceeded"
	for name, noNewPrivileges := range map[string]bool{"no_new_privs": true, "privileges": false} {
		a := newAgent(t, map[string]answer{"getppid": {value: 4242}, "mkdir": {errno: unix.EDQUOT}})
		config := func(s *specs.Spec) {
			a.notify("getppid", "mkdir", "mkdirat")(s)
			s.Process.NoNewPrivileges = noNewPrivileges
		}
		t.Run(name+"/run", func(t *testing.T) {
			c := newContainer(t, config, words+"; true")
			want(t, c.run(t), answered)
			s := a.next(t)
			if s.Version != specs.Version || len(s.Fds) != 1 || s.Fds[0] != specs.SeccompFdName ||
				s.Metadata != "about calls" {
				t.Errorf("the agent is told %+v", s)
			}
			if s.State.ID != c.id || s.State.Status != specs.StateCreating || s.State.Pid != s.Pid || s.Pid < 2 ||
				s.State.Bundle != c.dir || s.State.Annotations["colour"] != "blue" {
				t.Errorf("of the container the agent is told %+v", s.State)
			}
		})
		t.Run(name+"/create, start, exec", func(t *testing.T) {
			c := newContainer(t, config, "("+words+"; echo done) > /result 2>&1; sleep 60")
			c.create(t)
			pid := c.pid(t)
			if s := a.next(t); s.Pid != pid || s.State.Pid != pid || s.State.Status != specs.StateCreating {
				t.Errorf("of create the agent is told %+v, pid is %d", s, pid)
			}
			want(t, c.sh(t, words+"; true"), answered)
			if s := a.next(t); s.Pid == pid || s.State.Pid != pid || s.State.Status != specs.StateCreated {
				t.Errorf("of exec the agent is told %+v, pid is %d", s, pid)
			}
			c.start(t)
			want(t, report(t, c.file("rootfs/result")), answered)
			want(t, c.sh(t, words+"; true"), answered)
			if s := a.next(t); s.State.Status != specs.StateRunning {
				t.Errorf("of exec the agent is told %+v", s)
			}
		})
	}
}

// All calls that the container's process makes on its way, but for the one that
// is refused, may be notified: the agent has its listener by then.
func TestListenerOfOurOwnCalls(t *testing.T) {
	for _, noNewPrivileges := range []bool{true, false} {
		a := newAgent(t, nil)
		c := newContainer(t, func(s *specs.Spec) {
			a.notify("read", "fcntl", "execveat", "execve", "close_range", "prctl", "capset", "setgroups", "setresuid",
				"setresgid", "umask", "faccessat2")(s)
			s.Process.NoNewPrivileges = noNewPrivileges
		}, "(echo made; echo done) > /made; sleep 60")
		c.create(t)
		c.start(t)
		want(t, report(t, c.file("rootfs/made")), "made")
	}
}

// An agent may refuse even the program.
func TestListenerRefusesTheProgram(t *testing.T) {
	a := newAgent(t, map[string]answer{"execve": {errno: unix.EDQUOT}})
	c := newContainer(t, a.notify("execve"), "true")
	c.create(t)
	out, err := c.oci("start", c.id)
	if err == nil || !strings.Contains(out, "disk quota exceeded") || !strings.Contains(out, "execve") {
		t.Errorf("start: %v\n%s", err, out)
	}
}

// Without anybody who listens there is no container.
func TestListenerIsAbsent(t *testing.T) {
	a := &agent{path: filepath.Join(t.TempDir(), "nobody")}
	c := newContainer(t, a.notify("mkdir"), "sleep 60")
	for _, words := range [][]string{{"create", "--bundle", c.dir, c.id}, {"run", "--bundle", c.dir, c.id},
		{"run", "--detach", "--bundle", c.dir, c.id}} {
		out, err := c.oci(words...)
		if err == nil || !strings.Contains(out, "linux.seccomp.listenerPath: connect "+a.path) {
			t.Errorf("%s: %v\n%s", words[0], err, out)
		}
		if out, err := c.oci("state", c.id); err == nil || !strings.Contains(out, "does not exist") {
			t.Errorf("it is left over: %v\n%s", err, out)
		}
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err == nil {
		t.Error("a process is left over")
	}
}
