package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	goruntime "runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/minictr/minictr/runtime/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// agent answers system calls of containers; those without an answer continue.
type agent struct {
	path     string
	answers  map[string]answer                // by the name of the call
	received chan specs.ContainerProcessState // one for each process
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
	notifRecv     = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	notifSend     = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	notifContinue = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

func newAgent(t *testing.T, answers map[string]answer) *agent {
	t.Helper()
	a := &agent{filepath.Join(t.TempDir(), "agent"), answers, make(chan specs.ContainerProcessState, 10)}
	listen(t, a.path, func(conn *net.UnixConn) { go a.serve(t, conn) })
	return a
}

// listen passes each connection to a socket to serve.
func listen(t *testing.T, path string, serve func(*net.UnixConn)) {
	t.Helper()
	l, err := net.Listen("unix", path)
	testkit.Check(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn.(*net.UnixConn))
		}
	}()
}

// receive reads the only message of a connection: a descriptor, and a text.
func receive(conn *net.UnixConn) (fd int, text []byte, err error) {
	defer conn.Close()
	text, rights := make([]byte, 1<<16), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		return 0, nil, err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil || len(messages) != 1 {
		return 0, nil, errors.Join(err, fmt.Errorf("%d control messages", len(messages)))
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return 0, nil, errors.Join(err, fmt.Errorf("%d descriptors", len(fds)))
	}
	if more, err := conn.Read(make([]byte, 1)); more != 0 || err == nil {
		return 0, nil, errors.New("more than one message")
	}
	return fds[0], text[:n], nil
}

// serve receives a listener, and answers until its last process has exited.
func (a *agent) serve(t *testing.T, conn *net.UnixConn) {
	listener, text, err := receive(conn)
	var state specs.ContainerProcessState
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if err != nil {
		t.Errorf("the agent receives: %v", err)
		return
	}
	defer unix.Close(listener)
	a.received <- state
	ioctl := func(request uintptr, arg unsafe.Pointer) unix.Errno {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), request, uintptr(arg))
		return errno
	}
	for {
		wait := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(wait, -1); err == nil && wait[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if ioctl(notifRecv, unsafe.Pointer(&n)) != 0 {
			continue
		}
		r := response{id: n.id, flags: notifContinue}
		if a, ok := a.answers[seccomp.Name(goruntime.GOARCH, int(n.nr))]; ok {
			r = response{id: n.id, value: a.value, errno: -int32(a.errno)}
		}
		ioctl(notifSend, unsafe.Pointer(&r))
	}
}

// notify sends calls to the agent.
func (a *agent) notify(names ...string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Annotations = map[string]string{"colour": "blue"}
		s.Linux.Seccomp = &specs.LinuxSeccomp{
			DefaultAction: specs.ActAllow, ListenerPath: a.path, ListenerMetadata: "about calls",
			Syscalls: []specs.LinuxSyscall{{Names: names, Action: specs.ActNotify}},
		}
	}
}

// next returns the state that the agent received with a process.
func (a *agent) next(t *testing.T) specs.ContainerProcessState {
	t.Helper()
	select {
	case s := <-a.received:
		return s
	case <-time.After(testkit.Timeout):
		t.Fatal("the agent receives nothing")
	}
	panic("not reached")
}

// TestListener: an agent answers the calls of the processes of run, create and exec,
// with no_new_privs and without.
func TestListener(t *testing.T) {
	const script = "echo parent $PPID; mkdir /full"
	const answered = "parent 4242\nmkdir: can't create directory '/full': Disk quota exceeded"
	for name, noNewPrivileges := range map[string]bool{"no_new_privs": true, "privileges": false} {
		a := newAgent(t, map[string]answer{"getppid": {value: 4242}, "mkdir": {errno: unix.EDQUOT}})
		config := func(s *specs.Spec) {
			a.notify("getppid", "mkdir", "mkdirat")(s)
			s.Process.NoNewPrivileges = noNewPrivileges
		}
		t.Run(name+"/run", func(t *testing.T) {
			c := newContainer(t, config, script+"; true")
			want(t, c.run(t), answered)
			s := a.next(t)
			if s.Version != specs.Version || len(s.Fds) != 1 || s.Fds[0] != specs.SeccompFdName ||
				s.Metadata != "about calls" {
				t.Errorf("the agent receives %+v", s)
			}
			if s.State.ID != c.id || s.State.Status != specs.StateCreating || s.State.Pid != s.Pid || s.Pid < 2 ||
				s.State.Bundle != c.dir || s.State.Annotations["colour"] != "blue" {
				t.Errorf("the agent receives the state %+v", s.State)
			}
		})
		t.Run(name+"/create, start, exec", func(t *testing.T) {
			c := newContainer(t, config, "("+script+"; echo done) > /result 2>&1; sleep 60")
			c.create(t)
			pid := c.pid(t)
			if s := a.next(t); s.Pid != pid || s.State.Pid != pid || s.State.Status != specs.StateCreating {
				t.Errorf("create: the agent receives %+v, pid is %d", s, pid)
			}
			want(t, c.sh(t, script+"; true"), answered)
			if s := a.next(t); s.Pid == pid || s.State.Pid != pid || s.State.Status != specs.StateCreated {
				t.Errorf("exec: the agent receives %+v, pid is %d", s, pid)
			}
			c.start(t)
			want(t, report(t, c.file("rootfs/result")), answered)
			want(t, c.sh(t, script+"; true"), answered)
			if s := a.next(t); s.State.Status != specs.StateRunning {
				t.Errorf("exec: the agent receives %+v", s)
			}
		})
	}
}

// TestAgentNotifiedOfSetup: all calls of the container's setup after the agent has its
// listener may be notified.
func TestAgentNotifiedOfSetup(t *testing.T) {
	for _, noNewPrivileges := range []bool{true, false} {
		a := newAgent(t, nil)
		c := newContainer(t, a.notify("read", "fcntl", "execveat", "execve", "close_range", "prctl", "capset",
			"setgroups", "setresuid", "setresgid", "umask", "faccessat2"), "(echo made; echo done) > /made; sleep 60")
		c.spec.Process.NoNewPrivileges = noNewPrivileges
		c.create(t)
		c.start(t)
		want(t, report(t, c.file("rootfs/made")), "made")
	}
}

// TestAgentRefusesExecve: even the execve of the program.
func TestAgentRefusesExecve(t *testing.T) {
	a := newAgent(t, map[string]answer{"execve": {errno: unix.EDQUOT}})
	c := newContainer(t, a.notify("execve"), "true")
	c.create(t)
	c.fails(t, []string{"start", c.id}, "exec sh: disk quota exceeded")
}

// TestNoContainerWithoutAgent: nothing is left if no process listens at listenerPath.
func TestNoContainerWithoutAgent(t *testing.T) {
	a := &agent{path: filepath.Join(t.TempDir(), "agent")}
	c := newContainer(t, a.notify("mkdir"), "sleep 60")
	for _, words := range [][]string{{"create", c.id}, {"run", c.id}, {"run", "--detach", c.id}} {
		c.fails(t, words, "linux.seccomp.listenerPath: failed to connect with seccomp agent: connect "+a.path)
		c.wantGone(t)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err == nil {
		t.Error("a process is left")
	}
}
