package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"golang.org/x/sys/unix"
)

// A service of systemd may be a container. What systemd tells a service by its environment
// is passed on: the sockets that it opened (sd_listen_fds(3)), and the socket on which it
// waits for READY (sd_notify(3), runtime/notify.go).

// listenFds returns the number of descriptors that systemd passes, from 3 on. As for crun,
// they may be meant for a process between systemd and this one, which has removed LISTEN_PID.
func listenFds() (int, error) {
	count, set := os.LookupEnv("LISTEN_FDS")
	pid, other := os.LookupEnv("LISTEN_PID")
	if !set || other && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseUint(count, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("LISTEN_FDS=%q: not a number of descriptors", count)
	}
	return int(n), nil
}

// setServiceEnv sets what a program in a new container reads of systemd.
func (b *bundle) setServiceEnv() error {
	if n, _ := listenFds(); n > 0 && b.spec.Process != nil {
		b.spec.Process.Env = append(b.spec.Process.Env, "LISTEN_FDS="+strconv.Itoa(n), "LISTEN_PID=1")
	}
	if notifyHost() == "" {
		return nil
	}
	return runtime.AddNotify(b.container, b.spec)
}

func notifyHost() string { return os.Getenv("NOTIFY_SOCKET") }

// listenNotify makes the readiness socket of a container, if systemd waits for READY.
func listenNotify(container *state.Dir) (*runtime.Notifier, error) {
	if notifyHost() == "" {
		return nil, nil
	}
	return runtime.ListenNotify(container)
}

// forwardReady passes READY on, with mainPid as the service's main process. pidfd is that of
// the container's process. That systemd does not listen harms no container.
func forwardReady(n *runtime.Notifier, pidfd, mainPid int) {
	if err := n.Forward(notifyHost(), pidfd, mainPid); err != nil {
		warn(err)
	}
	unix.Close(pidfd)
}
