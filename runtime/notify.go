package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Readiness of a service. systemd starts a unit of Type=notify with the name of a datagram
// socket in NOTIFY_SOCKET, and waits until the service writes READY=1 there (sd_notify(3)).
// The container gets a socket of its own: a directory of its state is mounted read-only on
// /run/notify. What its program writes there about READY is passed on to systemd, and with
// it the pid that is the service's main process from then on. So does runc.

const (
	notifyDir    = "notify" // in the container's directory
	notifyMount  = "/run/notify"
	notifySocket = "notify.sock"
)

// AddNotify mounts the directory of a readiness socket in a container that is about to be
// created, and sets NOTIFY_SOCKET. Nobody listens there before ListenNotify.
func AddNotify(f *state.Dir, spec *specs.Spec) error {
	if spec.Process == nil {
		return nil
	}
	dir := f.Path(notifyDir)
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		return err
	}
	spec.Mounts = append(spec.Mounts, specs.Mount{
		Destination: notifyMount, Type: "bind", Source: dir,
		Options: []string{"bind", "nosuid", "noexec", "nodev", "ro"},
	})
	spec.Process.Env = append(spec.Process.Env, "NOTIFY_SOCKET="+notifyMount+"/"+notifySocket)
	return nil
}

// Notifier receives what a container's program tells of its readiness.
type Notifier struct{ socket int }

// ListenNotify makes the readiness socket of a container, nil if it was created without.
func ListenNotify(f *state.Dir) (*Notifier, error) {
	dir, err := os.Open(f.Path(notifyDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	// A name of a socket has at most 107 bytes: name the directory by its descriptor. A start
	// that was killed may have left a socket.
	path := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), notifySocket)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, unix.Close(fd))
	}
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	if err == nil {
		err = os.Chmod(path, 0o777) // any user of the container may write
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bind %s: %w", f.Path(notifyDir+"/"+notifySocket), err), unix.Close(fd))
	}
	return &Notifier{fd}, nil
}

// Forward waits until the program is ready, or the process of the pidfd has exited, and
// passes READY on to the socket host, with mainPid as the service's main process. It closes
// the notifier.
func (n *Notifier) Forward(host string, pidfd, mainPid int) error {
	defer unix.Close(n.socket)
	ready, err := n.await("READY=", pidfd, -1)
	if err != nil || ready == nil {
		return err
	}
	if err := passOn(host, string(ready)+"\n", "MAINPID="+strconv.Itoa(mainPid)+"\n"); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET=%q: %w", host, err)
	}
	// A program may wait until READY was read: to receive its BARRIER closes the descriptor.
	const grace = 100 // milliseconds
	_, err = n.await("BARRIER=", pidfd, grace)
	return err
}

// await returns the line that begins with prefix, nil if the process has exited before, or
// after so many milliseconds without a message; -1 for no limit.
func (n *Notifier) await(prefix string, pidfd, timeout int) ([]byte, error) {
	buf := make([]byte, 4096)
	for {
		poll := []unix.PollFd{{Fd: int32(n.socket), Events: unix.POLLIN}, {Fd: int32(pidfd), Events: unix.POLLIN}}
		events, err := unix.Poll(poll, timeout)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return nil, fmt.Errorf("poll: %w", err)
		case poll[0].Revents != 0:
			size, _, _ := unix.Recvfrom(n.socket, buf, unix.MSG_DONTWAIT)
			for line := range bytes.SplitSeq(buf[:max(size, 0)], []byte("\n")) {
				if bytes.HasPrefix(line, []byte(prefix)) {
					return line, nil
				}
			}
		case events == 0 || poll[1].Revents != 0:
			return nil, nil
		}
	}
}

// passOn sends messages to systemd, and waits until it has read them.
func passOn(host string, messages ...string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: host}); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	for _, message := range messages {
		if _, err := unix.Write(fd, []byte(message)); err != nil {
			return fmt.Errorf("write %q: %w", message, err)
		}
	}
	return barrier(fd)
}

// barrier waits until systemd has read all messages: it then closes the descriptor that
// it was sent (sd_notify_barrier(3)). Another reader than systemd may never do so.
func barrier(socket int) error {
	const timeout = 30 * time.Second
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe2: %w", err)
	}
	defer unix.Close(pipe[0])
	err := unix.Sendmsg(socket, []byte("BARRIER=1"), unix.UnixRights(pipe[1]), nil, 0)
	unix.Close(pipe[1])
	if err != nil {
		return fmt.Errorf("sendmsg: %w", err)
	}
	end := time.Now().Add(timeout)
	for time.Now().Before(end) {
		poll := []unix.PollFd{{Fd: int32(pipe[0])}} // POLLHUP is always reported
		n, err := unix.Poll(poll, int(time.Until(end).Milliseconds())+1)
		if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
	}
	return nil
}
