package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// StartCreated lets a created container execute its program (runtime-spec, runtime.md,
// "Start" and steps 6 to 9 of "Lifecycle"), and unlocks its directory. options are those
// it was created with. An error of the last calls, as of a program that does not exist,
// is a [*walk.Error]. If a hook fails the container is destroyed; warn receives the
// errors of its poststop hooks.
func StartCreated(f *state.Dir, options compile.Options, warn func(error)) error {
	h, err := startable(f)
	if err != nil {
		return errors.Join(err, f.Unlock())
	}
	if err := h.startContainer(f); err != nil {
		return errors.Join(err, abandon(f, warn))
	}
	if err := execProgram(f, options); err != nil {
		return errors.Join(err, f.Unlock())
	}
	h.state.Status = specs.StateRunning
	if err := h.run("poststart", h.list.Poststart, nil); err != nil {
		return errors.Join(err, abandon(f, warn))
	}
	return f.Unlock()
}

// abandon destroys a container whose hook has failed.
func abandon(f *state.Dir, warn func(error)) error {
	if err := undo(f, warn); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Remove()
}

// execProgram lets the container's process execute its program. On error the container
// has stopped.
func execProgram(f *state.Dir, options compile.Options) error {
	output, err := signalStart(f)
	if err != nil || len(output) == 0 {
		return err
	}
	if err := f.Record.Await(); err != nil {
		return err
	}
	spec, err := f.Config()
	if err != nil {
		return err
	}
	p, err := compile.Last(spec, options)
	if err != nil {
		return err
	}
	return walk.ReadStartError(p, output)
}

// startable returns the hooks of a container that can be started. The errors are runc's.
func startable(f *state.Dir) (*hooks, error) {
	status, err := f.Status()
	if err != nil {
		return nil, err
	}
	switch status {
	case specs.StateCreated:
	case specs.StateStopped:
		return nil, errors.New("cannot start a container that has stopped")
	case specs.StateRunning:
		return nil, errors.New("cannot start an already running container")
	default:
		return nil, fmt.Errorf("cannot start a container in the %s state", status)
	}
	if !f.Record.Program {
		return nil, errors.New("cannot start a container without a program: its config has no process")
	}
	return hooksOf(f, specs.StateCreated), nil
}

// signalStart writes the byte that the container waits for, and returns its report: none
// if execve(2) succeeded. A second byte stays unread: until the container closes the FIFO
// it shows that the container was started (state.Dir.Status).
func signalStart(f *state.Dir) ([]byte, error) {
	report, err := os.OpenFile(f.Path("report"), os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer report.Close()
	start, err := os.OpenFile(f.Path("go"), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENXIO) {
		return nil, errors.New("cannot start a container that has stopped")
	}
	if err != nil {
		return nil, err
	}
	defer start.Close()
	if _, err := start.Write([]byte("..")); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return io.ReadAll(io.LimitReader(report, 1<<20))
}
