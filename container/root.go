package container

// The root of a container, for who copies from or to it (package cp).
//
// While it runs, that is the root of its process, /proc/PID/root: a link of the
// kernel's that leads into the container's mount namespace, with all that is
// mounted there. A pidfd makes sure that the number is still that process.
//
// When it does not run, its layers are stacked once more, in a mount namespace
// that nobody else sees (stopped.go). To read, all of them are lower layers, and
// nothing is written, not even a time, but for the place of a volume. The
// container is locked meanwhile: it cannot be started, for no two overlays may
// have one upper folder.

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/minictr/minictr/container/cp"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/state"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Root is a container's root, held.
type Root struct {
	*cp.Tree
	close func() error
}

// Close lets go of it.
func (r *Root) Close() error { return r.close() }

// copying is how long a copy waits for another one of the same container.
const copying = 10 * time.Second

// Root holds the container's root, to read, or to write too.
func (c *Container) Root(write bool) (*Root, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	fd, err := c.livingRoot()
	for began := time.Now(); errors.Is(err, state.ErrNotRunning) || errors.Is(err, state.ErrNotExist); fd, err = c.livingRoot() {
		switch taken := c.take(0); {
		case taken == nil:
			return c.takenRoot(spec, write)
		case !errors.Is(taken, errRunning):
			return nil, taken
		case time.Since(began) > copying:
			return nil, hint.New(errors.New("another command or its watcher has it"), "minictr ps -a tells whether it waits for its restart")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	return &Root{treeAt(fd, spec), func() error { return unix.Close(fd) }}, nil
}

// takenRoot is the root of a container that this command has locked.
func (c *Container) takenRoot(spec *specs.Spec, write bool) (*Root, error) {
	s, err := c.stoppedRoot(spec, write)
	if err != nil {
		return nil, errors.Join(err, c.unlock())
	}
	return &Root{treeAt(s.fd, spec), func() error { return errors.Join(s.leave(), c.unlock()) }}, nil
}

func treeAt(fd int, spec *specs.Spec) *cp.Tree {
	return cp.Container(fd, copiedIDs(spec.Linux.UIDMappings), copiedIDs(spec.Linux.GIDMappings))
}

func copiedIDs(mappings []specs.LinuxIDMapping) (ids []cp.IDs) {
	for _, m := range mappings {
		ids = append(ids, cp.IDs(m))
	}
	return ids
}

// livingRoot is the root of the container's process.
func (c *Container) livingRoot() (int, error) {
	life, err := c.life()
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
