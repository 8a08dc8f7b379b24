package monitor

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/logs"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// monitorStreams are both ends of a detached container's streams.
type monitorStreams struct {
	c            *container.Container
	containerEnd *stdio.Streams
	hostEnd      [3]*os.File // standard input, output and error
}

// newStreams makes the streams of a detached container, and connects its end.
func newStreams(
	c *container.Container, spec *specs.Spec, stdin *os.File, t *runtime.ProcessOptions,
) (*monitorStreams, error) {
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	o := &c.Settings.Options
	s := &monitorStreams{c: c}
	if s.containerEnd, s.hostEnd, err = stdio.Detach(stdin, o.Interactive, o.TTY, uid); err != nil {
		return nil, err
	}
	t.Connect(s.containerEnd)
	return s, nil
}

// keep keeps the host end of the streams, the log and a pidfd of the process, under the
// descriptors that the table knows.
func (s *monitorStreams) keep(process *runtime.Process) error {
	// a terminal is input and output
	terminal, err := process.Terminal()
	if err != nil {
		return err
	}
	if terminal != nil {
		s.hostEnd[1] = terminal
		if s.hostEnd[0], err = stdio.Peer(terminal); err != nil {
			return err
		}
	}
	fd, err := unix.PidfdOpen(process.Pid(), 0)
	if err != nil {
		return fmt.Errorf("pidfd_open(%d): %w", process.Pid(), err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	defer pidfd.Close()
	log, err := openLog(s.c)
	if err != nil {
		return err
	}
	defer log.Close()
	return errors.Join(keepFile(pidfd, processFD), keepFile(log, logFD),
		keepFile(s.hostEnd[0], InputFD), keepFile(s.hostEnd[1], OutputFD), keepFile(s.hostEnd[2], errorFD))
}

// openLog opens the log to append to it; with --log-driver none it is /dev/null, whose
// length stays 0.
func openLog(c *container.Container) (*os.File, error) {
	path := c.Path(logs.Current)
	if c.Settings.Options.LogDriver == config.LogNone {
		path = os.DevNull
	} else if _, err := logs.Repair(c.Dir); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
}

// close closes both ends; what is kept are duplicates.
func (s *monitorStreams) close() {
	s.containerEnd.Close()
	for _, f := range s.hostEnd {
		if f != nil {
			f.Close()
		}
	}
}
