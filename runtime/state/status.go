package state

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Paused is the status of a container whose cgroup is frozen. The others are
// the specification's (runtime-spec, runtime.md, "State").
const Paused = specs.ContainerState("paused")

// Status asks the kernel what the container is doing.
//
//	creating  its folder has not got its own name yet
//	stopped   its process is gone, or waits only to be reaped
//	paused    its cgroup is frozen
//	created   its process still holds the FIFO go, as it does until it is let go
//	running   it does not
//
// A container that was paused before it was started is paused: only so can it
// be resumed.
func (f *Dir) Status() (specs.ContainerState, error) {
	if f.prefix == creating {
		return specs.StateCreating, nil
	}
	waits, err := f.isWaiting()
	if err != nil {
		return "", err
	}
	frozen, err := f.Record.frozen()
	if err != nil {
		return "", err
	}
	if frozen {
		held, err := f.isFrozenBriefly()
		if err != nil {
			return "", err
		}
		frozen = !held
	}
	alive, err := f.Record.alive() // last: what has died meanwhile was neither
	if err != nil {
		return "", err
	}
	switch {
	case !alive:
		return specs.StateStopped, nil
	case frozen:
		return Paused, nil
	case waits:
		return specs.StateCreated, nil
	}
	return specs.StateRunning, nil
}

// isWaiting tells whether the FIFO go has a reader. The reader has opened it
// O_RDWR, so that writers who come and go do not wake it (fifo(7)).
func (f *Dir) isWaiting() (bool, error) {
	fd, err := unix.Open(f.Path("go"), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open %s: %w", f.Path("go"), err)
	}
	return true, unix.Close(fd)
}

// frozen tells whether the cgroup is.
func (r *Record) frozen() (bool, error) {
	if r.Cgroup == "" {
		return false, nil
	}
	frozen, err := cgroup.Frozen(r.Cgroup)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	return frozen, err
}
