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

// ends are those of the streams of a container in the background: its own, and
// the watcher's.
type ends struct {
	c      *container.Container
	theirs *stdio.Streams
	ours   [3]*os.File
}

// detach makes the streams of a container in the background.
func detach(c *container.Container, spec *specs.Spec, stdin *os.File, t *runtime.ProcessOptions) (*ends, error) {
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	o := &c.Settings.Options
	e := &ends{c: c}
	if e.theirs, e.ours, err = stdio.Detach(stdin, o.Interactive, o.TTY, uid); err != nil {
		return nil, err
	}
	t.Connect(e.theirs)
	return e, nil
}

// keep gives the watcher its descriptors.
func (e *ends) keep(process *runtime.Process) error {
	terminal, err := process.Terminal()
	if err != nil {
		return err
	}
	if terminal != nil {
		e.ours[1] = terminal
		if e.ours[0], err = stdio.Peer(terminal); err != nil {
			return err
		}
	}
	pidfd, err := unix.PidfdOpen(process.Pid(), 0)
	if err != nil {
		return fmt.Errorf("pidfd_open(%d): %w", process.Pid(), err)
	}
	held := os.NewFile(uintptr(pidfd), "pidfd")
	defer held.Close()
	if _, err := logs.Mend(e.c.Dir); err != nil {
		return err
	}
	log, err := os.OpenFile(e.c.Path(logs.Current), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	return errors.Join(Keep(held, Process), Keep(log, Log),
		Keep(e.ours[0], Input), Keep(e.ours[1], Output), Keep(e.ours[2], Errors))
}

// close closes what is not kept.
func (e *ends) close() {
	e.theirs.Close()
	for _, f := range e.ours {
		if f != nil {
			f.Close()
		}
	}
}
