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

// monitorStreams are those of the streams of a container in the background: its own, and
// the watcher's.
type monitorStreams struct {
	c            *container.Container
	containerEnd *stdio.Streams
	hostEnd      [3]*os.File
}

// newStreams makes the streams of a container in the background.
func newStreams(c *container.Container, spec *specs.Spec, stdin *os.File, t *runtime.ProcessOptions) (*monitorStreams, error) {
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	o := &c.Settings.Options
	e := &monitorStreams{c: c}
	if e.containerEnd, e.hostEnd, err = stdio.Detach(stdin, o.Interactive, o.TTY, uid); err != nil {
		return nil, err
	}
	t.Connect(e.containerEnd)
	return e, nil
}

// keep gives the watcher its descriptors.
func (e *monitorStreams) keep(process *runtime.Process) error {
	terminal, err := process.Terminal()
	if err != nil {
		return err
	}
	if terminal != nil {
		e.hostEnd[1] = terminal
		if e.hostEnd[0], err = stdio.Peer(terminal); err != nil {
			return err
		}
	}
	pidfd, err := unix.PidfdOpen(process.Pid(), 0)
	if err != nil {
		return fmt.Errorf("pidfd_open(%d): %w", process.Pid(), err)
	}
	held := os.NewFile(uintptr(pidfd), "pidfd")
	defer held.Close()
	if _, err := logs.Repair(e.c.Dir); err != nil {
		return err
	}
	log, err := os.OpenFile(e.c.Path(logs.Current), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	return errors.Join(keepFile(held, processFD), keepFile(log, logFD),
		keepFile(e.hostEnd[0], InputFD), keepFile(e.hostEnd[1], OutputFD), keepFile(e.hostEnd[2], errorFD))
}

// close closes what is not kept.
func (e *monitorStreams) close() {
	e.containerEnd.Close()
	for _, f := range e.hostEnd {
		if f != nil {
			f.Close()
		}
	}
}
