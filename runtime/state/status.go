package state

import (
	"errors"
	"fmt"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Paused is the status of a container whose cgroup is frozen. The others are
// the specification's (runtime-spec, runtime.md, "State").
const Paused = specs.ContainerState("paused")

// Status reads the status of the container from the kernel.
//
//	creating  its directory does not have its own name yet
//	stopped   its process has ended, or is a zombie
//	paused    its cgroup is frozen
//	created   its process holds the FIFO go, and start has written nothing
//	running   otherwise
//
// A container that was paused before start is paused: only so can it be resumed.
func (d *Dir) Status() (specs.ContainerState, error) {
	if d.prefix == creating {
		return specs.StateCreating, nil
	}
	waits, err := d.isWaiting()
	if err != nil {
		return "", err
	}
	frozen, err := d.Record.isFrozen()
	if err != nil {
		return "", err
	}
	if frozen {
		briefly, err := d.isFrozenBriefly()
		if err != nil {
			return "", err
		}
		frozen = !briefly
	}
	alive, err := d.Record.isAlive() // last: a process that has ended since was neither
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

// isWaiting reports whether the FIFO go has a reader and is empty. Without a reader
// O_WRONLY|O_NONBLOCK fails with ENXIO (fifo(7)). The reader has opened it O_RDWR, so that
// writers that come and go do not wake it.
func (d *Dir) isWaiting() (bool, error) {
	fd, err := unix.Open(d.Path("go"), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENXIO) || errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open %s: %w", d.Path("go"), err)
	}
	defer unix.Close(fd)
	unread, err := unix.IoctlGetInt(fd, unix.TIOCINQ) // FIONREAD
	if err != nil {
		return false, fmt.Errorf("ioctl %s: %w", d.Path("go"), err)
	}
	return unread == 0, nil
}

// isFrozen reports whether the container's cgroup is frozen.
func (r *Record) isFrozen() (bool, error) {
	if r.Cgroup == "" {
		return false, nil
	}
	frozen, err := cgroup.Frozen(r.Cgroup)
	if cgroup.IsGone(err) {
		return false, nil
	}
	return frozen, err
}
