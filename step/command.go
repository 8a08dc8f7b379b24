package step

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// run runs a command of sh(1), in minictr's working directory, and waits for it. It has the
// terminal as a shell's command has it: Ctrl-C ends the command and not minictr. Without a
// terminal it has no input: that holds the next keys.
func (k *keys) run(ctx context.Context, text string, env []string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the command is killed when its parent, this thread, exits
		done <- k.start(ctx, text, env)
	}()
	return <-done
}

func (k *keys) start(ctx context.Context, text string, env []string) error {
	// its streams, in a process group of its own
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	attr := &syscall.ProcAttr{
		Env: env, Files: []uintptr{null.Fd(), k.out.Fd(), k.out.Fd()},
		Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL},
	}
	if k.terminal {
		takeBack, err := k.lend()
		if err != nil {
			return err
		}
		defer takeBack()
		attr.Files[0], attr.Sys.Foreground, attr.Sys.Ctty = k.in.Fd(), true, int(k.in.Fd())
	}

	// start it, and wait
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", text}, attr)
	if err != nil {
		return fmt.Errorf("/bin/sh: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { unix.Kill(-pid, unix.SIGKILL) })
	defer stop()
	return wait(pid)
}

// lend prepares the terminal for a command in the foreground, until takeBack, which restores
// its settings. A process that takes it from the background gets SIGTTOU, unless it ignores that.
func (k *keys) lend() (takeBack func(), err error) {
	tty := int(k.in.Fd())
	group, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	if err != nil {
		return nil, fmt.Errorf("the terminal's process group: %w", err)
	}
	settings, err := unix.IoctlGetTermios(tty, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("the terminal's settings: %w", err)
	}
	signal.Ignore(unix.SIGTTOU)
	return func() {
		unix.IoctlSetPointerInt(tty, unix.TIOCSPGRP, group)
		unix.IoctlSetTermios(tty, unix.TCSETSW, settings)
		signal.Reset(unix.SIGTTOU)
	}, nil
}

// wait waits for a command. One that Ctrl-Z stops is continued: there is no shell to do it.
func wait(pid int) error {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, unix.WUNTRACED, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("wait4 %d: %w", pid, err)
		case status.Stopped():
			unix.Kill(-pid, unix.SIGCONT)
		case status.Signaled():
			return fmt.Errorf("killed by %s", unix.SignalName(status.Signal()))
		case status.ExitStatus() != 0:
			return fmt.Errorf("exit status %d", status.ExitStatus())
		default:
			return nil
		}
	}
}
