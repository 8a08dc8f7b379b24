package runtime

import (
	"errors"
	"fmt"
	"net"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Calls that the filter neither allows nor refuses are answered by a program of
// the host, a seccomp agent (seccomp_unotify(2)). It listens at a socket, and gets
// one message for each process: the container process state, and with it the
// descriptor from which it reads the calls (config-linux.md, "Seccomp").

// sendListener takes the listener out of the child, which waits, and sends it.
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
		return fmt.Errorf("linux.seccomp.listenerPath: %w", err)
	}
	return nil
}

// sendFd sends a message and a descriptor to whoever listens at path (unix(7),
// SCM_RIGHTS): the descriptor with the first bytes.
func sendFd(path string, message []byte, fd int) error {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	n, _, err := conn.WriteMsgUnix(message, unix.UnixRights(fd), nil)
	if err == nil {
		_, err = conn.Write(message[n:])
	}
	return errors.Join(err, conn.Close())
}
