package monitor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"golang.org/x/sys/unix"
)

// Why a check is not waited for.
var (
	errFrozen  = errors.New("container was paused")
	errTimeout = errors.New("timeout")
)

// runCheck runs the check's command. A command that cannot be started is a failed check.
func runCheck(c *container.Container, task *state.Dir) (check container.Check, err error) {
	check = container.Check{Start: time.Now().UTC(), ExitCode: -1}
	p, err := startProbe(c, task)
	if err == nil {
		err = p.finish(time.Duration(c.Settings.Health.Timeout), &check)
	} else {
		check.Output = err.Error()
		if code, ok := runtime.ExecExitCode(err); ok {
			check.ExitCode = code
		}
		err = nil
	}
	check.End = time.Now().UTC()
	return check, err
}

// probe is the running command of a check: a process like the container's, with other
// arguments.
type probe struct {
	process *runtime.Process
	pidfd   int
	streams [2]*os.File
	fds     [2]int   // their descriptors, with O_NONBLOCK
	events  *os.File // cgroup.events of the container, nil for none
	output  limited
}

// startProbe starts the command of a check.
func startProbe(c *container.Container, task *state.Dir) (*probe, error) {
	spec, err := task.Config()
	if err != nil {
		return nil, err
	}
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	streams, hostEnd, err := stdio.Detach(nil, false, false, uid)
	if err != nil {
		return nil, err
	}
	defer streams.Close()
	t, err := c.ExecOptions(streams)
	if err != nil {
		return nil, err
	}
	// start a process like the container's
	process := *spec.Process
	process.Args, process.Terminal, process.ConsoleSize = c.Settings.Health.Args, false, nil
	p := &probe{streams: [2]*os.File(hostEnd[1:])}
	for i, f := range p.streams {
		p.fds[i] = int(f.Fd())
		if err := unix.SetNonblock(p.fds[i], true); err != nil {
			return nil, err
		}
	}
	if p.process, err = runtime.Exec(task, &process, t); err != nil {
		return nil, err
	}
	// and find out when it exits, or is frozen
	if p.pidfd, err = unix.PidfdOpen(p.process.Pid(), 0); err != nil {
		return nil, fmt.Errorf("pidfd_open(%d): %w", p.process.Pid(), err)
	}
	if task.Record.Cgroup != "" {
		p.events, err = os.Open(filepath.Join(task.Record.Cgroup, "cgroup.events"))
	}
	return p, err
}

// finish waits until the command exits, or kills it, and writes the result to check.
func (p *probe) finish(timeout time.Duration, check *container.Check) error {
	cause := p.wait(time.Now().Add(timeout))
	if cause != nil {
		// it leads a session (setsid(2)): its process ID is that of its process group,
		// and is not reused before it is waited for
		unix.Kill(-p.process.Pid(), unix.SIGKILL)
	}
	code, err := p.process.Wait()
	if err != nil || errors.Is(cause, errFrozen) {
		return errors.Join(err, cause)
	}
	// read what is left; a process that it started may keep the pipe open
	for _, fd := range p.fds {
		p.read(fd)
	}
	check.ExitCode, check.Output = code, p.output.String()
	if cause != nil {
		check.ExitCode, check.Output = -1, fmt.Sprintf("Health check exceeded timeout (%v): %s", timeout, check.Output)
	}
	return p.process.Close()
}

// wait reads the command's output until it exits. A change of "frozen" in cgroup.events
// is a POLLPRI event (cgroup-v2, "Core Interface Files").
func (p *probe) wait(deadline time.Time) error {
	// exit, frozen, and both streams
	polls := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLPRI}}
	for _, fd := range p.fds {
		polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if p.events != nil {
		polls[1].Fd = int32(p.events.Fd())
	}
	// wait for any of them, with time left
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return errTimeout
		}
		_, err := unix.Poll(polls, int(left.Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("poll: %w", err)
		}
		for i := range polls[2:] {
			if out := &polls[2+i]; out.Revents != 0 && !p.read(int(out.Fd)) {
				out.Fd = -1
			}
		}
		if polls[0].Revents != 0 {
			return nil
		}
		if polls[1].Revents != 0 && p.frozen() {
			return errFrozen
		}
	}
}

// read reads what is in a pipe, and reports whether there may be more.
func (p *probe) read(fd int) bool {
	var buf [64 << 10]byte // the capacity of a pipe (pipe(7))
	n, err := unix.Read(fd, buf[:])
	if n > 0 {
		p.output.Write(buf[:n])
	}
	return n > 0 || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

// frozen reports whether the container is frozen. A removed cgroup is not.
func (p *probe) frozen() bool {
	var buf [256]byte
	n, _ := p.events.ReadAt(buf[:], 0)
	return strings.Contains(string(buf[:n]), "frozen 1")
}

// outputKept is the size of a check's output that is kept, in bytes; docker's.
const outputKept = 4096

// limited is a buffer that keeps the first outputKept bytes.
type limited struct {
	bytes.Buffer
	more bool // bytes were dropped
}

// Write keeps what fits (io.Writer).
func (l *limited) Write(b []byte) (int, error) {
	kept := min(len(b), outputKept-l.Len())
	l.more = l.more || kept < len(b)
	l.Buffer.Write(b[:kept])
	return len(b), nil
}

// String returns what was kept as valid UTF-8, with "..." if bytes were dropped.
func (l *limited) String() string {
	text := strings.ToValidUTF8(l.Buffer.String(), "\ufffd")
	if l.more {
		text += "..."
	}
	return text
}
