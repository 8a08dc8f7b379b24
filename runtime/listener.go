package runtime

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A filter can pass a call to a program of the host, a seccomp agent (seccomp_unotify(2)).
// The agent listens on a socket. For each process it receives one message, the container
// process state, with the descriptor from which it reads the calls (runtime-spec,
// config-linux.md, "Seccomp").

// sendListener copies the listener from the child, which waits, and sends it.
func sendListener(w *walk.Walk, s *specs.LinuxSeccomp, state specs.State) error {
	pid, _ := w.Result(plan.Pid)
	pidfd, _ := w.Result(plan.Pidfd)
	number, _ := w.Result(plan.Listener)
	listener, err := unix.PidfdGetfd(pidfd, number, 0)
	if err != nil {
		return fmt.Errorf("pidfd_getfd(%d) of process %d: %w", number, pid, err)
	}
	defer unix.Close(listener)
	message, err := json.Marshal(specs.ContainerProcessState{
		Version: specs.Version, Fds: []string{specs.SeccompFdName},
		Pid: pid, Metadata: s.ListenerMetadata, State: state,
	})
	if err != nil {
		return err
	}
	if err := sendFd(s.ListenerPath, message, listener); err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath: failed to connect with seccomp agent: %w", err)
	}
	return nil
}

// sendFd sends a message and a descriptor to the socket at path (unix(7), SCM_RIGHTS).
// path is a file, never an abstract name, which every process of the network namespace
// may bind. A peer that does not accept the connection is an error after the timeout.
func sendFd(path string, message []byte, fd int) error {
	const timeout = 3 // seconds
	if strings.HasPrefix(path, "@") {
		path = "./" + path
	}
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(socket)
	limit := unix.Timeval{Sec: timeout}
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return fmt.Errorf("setsockopt SO_SNDTIMEO: %w", err)
	}
	if err := unix.Connect(socket, &unix.SockaddrUnix{Name: path}); err != nil {
		return fmt.Errorf("connect %s: %w", path, err)
	}
	if err := unix.Sendmsg(socket, message, unix.UnixRights(fd), nil, 0); err != nil {
		return fmt.Errorf("sendmsg %s: %w", path, err)
	}
	return nil
}
