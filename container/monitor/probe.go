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

var errFrozen = errors.New("the container was paused")

// runCheck runs the test. That it cannot be started is a failure, too.
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

// probe is a test that runs: the container's process with other arguments.
type probe struct {
	process *runtime.Process
	pidfd   int
	streams [2]*os.File
	fds     [2]int   // the same, as descriptors that never block
	events  *os.File // cgroup.events of the container, nil for none
	output  limited
}

func startProbe(c *container.Container, task *state.Dir) (*probe, error) {
	spec, err := task.Config()
	if err != nil {
		return nil, err
	}
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	streams, ours, err := stdio.Detach(nil, false, false, uid)
	if err != nil {
		return nil, err
	}
	defer streams.Close()
	t, err := c.ExecOptions(streams)
	if err != nil {
		return nil, err
	}
	process := *spec.Process
	process.Args, process.Terminal, process.ConsoleSize = c.Settings.Health.Args, false, nil
	p := &probe{streams: [2]*os.File(ours[1:])}
	for i, f := range p.streams {
		p.fds[i] = int(f.Fd())
		if err := unix.SetNonblock(p.fds[i], true); err != nil {
			return nil, err
		}
	}
	if p.process, err = runtime.Exec(task, &process, t); err != nil {
		return nil, err
	}
	if p.pidfd, err = unix.PidfdOpen(p.process.Pid(), 0); err != nil {
		return nil, fmt.Errorf("pidfd_open(%d): %w", p.process.Pid(), err)
	}
	if task.Record.Cgroup != "" {
		p.events, err = os.Open(filepath.Join(task.Record.Cgroup, "cgroup.events"))
	}
	return p, err
}

// DeleteTask waits for the test's end, or brings it about.
func (p *probe) finish(timeout time.Duration, check *container.Check) error {
	why := p.wait(time.Now().Add(timeout))
	if why != nil {
		// it leads a session (setsid(2)), so its number is that of its group, too,
		// and nobody else's until we have waited for it
		unix.Kill(-p.process.Pid(), unix.SIGKILL)
	}
	code, err := p.process.Wait()
	if err != nil || errors.Is(why, errFrozen) {
		return errors.Join(err, why)
	}
	for _, fd := range p.fds { // what it has left there; who else has the pipe is not waited for
		p.read(fd)
	}
	check.ExitCode, check.Output = code, p.output.String()
	if why != nil {
		check.ExitCode, check.Output = -1, fmt.Sprintf("it took longer than %v: %s", timeout, check.Output)
	}
	return p.process.Close()
}

var errTimeout = errors.New("timeout")

// AwaitPidfd waits for the end of the test, and takes its output meanwhile. The freezer
// tells of itself by cgroup.events (cgroup-v2, "Core Interface Files").
func (p *probe) wait(deadline time.Time) error {
	polls := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}, {Fd: -1, Events: unix.POLLPRI}}
	for _, fd := range p.fds {
		polls = append(polls, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	if p.events != nil {
		polls[1].Fd = int32(p.events.Fd())
	}
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

// Read takes what is in a pipe, and tells whether there may be more.
func (p *probe) read(fd int) bool {
	var buf [64 << 10]byte // as much as a pipe holds
	n, err := unix.Read(fd, buf[:])
	if n > 0 {
		p.output.Write(buf[:n])
	}
	return n > 0 || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)
}

func (p *probe) frozen() bool {
	var buf [256]byte
	n, _ := p.events.ReadAt(buf[:], 0) // a cgroup that is gone is not frozen
	return strings.Contains(string(buf[:n]), "frozen 1")
}

// outputKept is how much of a check's output is kept, in bytes; docker's.
const outputKept = 4096

// limited keeps the beginning of what is written.
type limited struct {
	bytes.Buffer
	more bool
}

func (l *limited) Write(b []byte) (int, error) {
	kept := min(len(b), outputKept-l.Len())
	l.more = l.more || kept < len(b)
	l.Buffer.Write(b[:kept])
	return len(b), nil
}

// String is what was kept, as text.
func (l *limited) String() string {
	text := strings.ToValidUTF8(l.Buffer.String(), "\ufffd")
	if l.more {
		text += "..."
	}
	return text
}
