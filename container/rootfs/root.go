package rootfs

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/cp"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Open is a container's root, held.
type Root struct {
	*cp.Tree
	close func() error
}

// Close lets go of it.
func (r *Root) Close() error { return r.close() }

// lockTimeout is how long a copy waits for another one of the same container.
const lockTimeout = 10 * time.Second

// Open holds the container's root, to read, or to write too.
func Open(c *container.Container, write bool) (*Root, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	fd, err := TaskRoot(c)
	for began := time.Now(); errors.Is(err, state.ErrNotRunning) || errors.Is(err, state.ErrNotExist); fd, err = TaskRoot(c) {
		switch taken := c.Lock(0); {
		case taken == nil:
			return lockedRoot(c, spec, write)
		case !errors.Is(taken, container.ErrRunning):
			return nil, taken
		case time.Since(began) > lockTimeout:
			return nil, hint.New(errors.New("another command or its watcher has it"), "minictr ps -a tells whether it waits for its restart")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	return &Root{newTree(fd, spec), func() error { return unix.Close(fd) }}, nil
}

// lockedRoot is the root of a container that this command has locked.
func lockedRoot(c *container.Container, spec *specs.Spec, write bool) (*Root, error) {
	s, err := stoppedRoot(c, spec, write)
	if err != nil {
		return nil, errors.Join(err, c.Unlock())
	}
	return &Root{newTree(s.fd, spec), func() error { return errors.Join(s.leave(), c.Unlock()) }}, nil
}

func newTree(fd int, spec *specs.Spec) *cp.Tree {
	return cp.Container(fd, copiedIDs(spec.Linux.UIDMappings), copiedIDs(spec.Linux.GIDMappings))
}

func copiedIDs(mappings []specs.LinuxIDMapping) (ids []cp.IDs) {
	for _, m := range mappings {
		ids = append(ids, cp.IDs(m))
	}
	return ids
}

// TaskRoot is the root of the container's process.
func TaskRoot(c *container.Container) (int, error) {
	life, err := c.Task()
	if err != nil {
		return -1, err
	}
	pidfd, err := life.Record.Pidfd()
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	name := "/proc/" + strconv.Itoa(life.Record.Pid) + "/root"
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return -1, state.ErrNotRunning
	}
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", name, err)
	}
	// it has not been reaped, so the number was its own until now
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil {
		unix.Close(fd)
		return -1, state.ErrNotRunning
	}
	return fd, nil
}
