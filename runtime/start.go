package runtime

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// StartCreated lets a container that was created execute its program (runtime-
// spec, runtime.md, "Start" and steps 6 to 9 of "Lifecycle"). An error of the
// last calls, as of a program that is not there, is an [*walk.Error]; an error
// of a hook ends the container. options are those it was created with.
func StartCreated(f *state.Folder, options plan.Options) error {
	spec, err := startable(f)
	if err != nil {
		return err
	}
	h := hooks{spec, ociState(f, specs.StateCreated), &plan.Running{Pid: f.Record.Pid, Cgroup: f.Record.Cgroup}}
	if spec.Hooks == nil {
		spec.Hooks = &specs.Hooks{}
	}
	if err := h.run("startContainer", spec.Hooks.StartContainer, h.join); err != nil {
		return errors.Join(err, f.Record.Kill())
	}
	said, err := letGo(f)
	if err != nil {
		return err
	}
	if len(said) > 0 {
		p, err := plan.Last(spec, options)
		if err != nil {
			return err
		}
		return advise(walk.Verdict(p, said))
	}
	h.state.Status = specs.StateRunning
	if err := h.run("poststart", spec.Hooks.Poststart, nil); err != nil {
		return errors.Join(err, f.Record.Kill())
	}
	return nil
}

// startable tells why a container cannot be started; the words are runc's.
func startable(f *state.Folder) (*specs.Spec, error) {
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
	spec, err := f.Config()
	if err == nil && spec.Process == nil {
		err = errors.New("cannot start a container without a program: its config has no process")
	}
	return spec, err
}

// letGo writes the byte that the container waits for, and reads to the end what
// it has to say: nothing, if it became its program.
func letGo(f *state.Folder) ([]byte, error) {
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
	if _, err := start.Write([]byte{'.'}); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return io.ReadAll(io.LimitReader(report, 1<<20))
}
