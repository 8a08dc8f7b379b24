package rootfs

// /proc/PID/root of a container's process is a link of the kernel's that leads into its
// mount namespace, with all that is mounted there. A container that does not run has its
// layers stacked once more (mount.go), and stays locked meanwhile, so that no command
// starts it: two overlays must not share an upper directory.

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

// Root is the root filesystem of a container, held open until Close.
type Root struct {
	*cp.Tree
	close func() error
}

// Close releases the root.
func (r *Root) Close() error { return r.close() }

// lockTimeout is how long Open waits for another command to release the container.
const lockTimeout = 10 * time.Second

// Open opens the root of a container, running or not, to read or also to write. It locks a
// container that does not run, until Close.
func Open(c *container.Container, write bool) (*Root, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	return open(c, spec, TaskRoot, write)
}

// OpenBare opens the root of a container to read, without what is mounted in it: the files
// of its image, and what it has changed. While it runs, dir is where its root is mounted in the
// mount namespace of its process. It locks a container that does not run, until Close.
func OpenBare(c *container.Container, dir string) (*Root, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	spec.Mounts = nil
	task := func(c *container.Container) (int, error) { return bareTaskRoot(c, dir) }
	return open(c, spec, task, false)
}

// OpenImage opens the files of the image of a new container, to read. The caller has locked the
// container.
func OpenImage(c *container.Container) (*Root, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	spec.Mounts, spec.Linux = nil, &specs.Linux{}
	fd, unmount, err := stoppedRoot(c, spec, false)
	if err != nil {
		return nil, err
	}
	return &Root{newTree(fd, spec), unmount}, nil
}

// open opens the root of the container's process with task, or mounts that of spec.
func open(
	c *container.Container, spec *specs.Spec, task func(*container.Container) (int, error), write bool,
) (*Root, error) {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		// the root of its process, if it has one
		fd, err := task(c)
		if err == nil {
			return &Root{newTree(fd, spec), func() error { return unix.Close(fd) }}, nil
		}
		if !errors.Is(err, state.ErrNotRunning) && !errors.Is(err, state.ErrNotExist) {
			return nil, err
		}
		// else a mount of its own, unless another command is about to start it
		switch err := c.Lock(0); {
		case err == nil:
			return lockedRoot(c, spec, write)
		case !errors.Is(err, container.ErrRunning):
			return nil, err
		case time.Since(began) > lockTimeout:
			return nil, hint.New(errors.New("container is locked by another command or its monitor"),
				"show whether it is restarting: minictr ps -a")
		}
	}
}

// lockedRoot returns the root of a container that the caller has locked.
func lockedRoot(c *container.Container, spec *specs.Spec, write bool) (*Root, error) {
	fd, unmount, err := stoppedRoot(c, spec, write)
	if err != nil {
		return nil, errors.Join(err, c.Unlock())
	}
	return &Root{newTree(fd, spec), func() error { return errors.Join(unmount(), c.Unlock()) }}, nil
}

// newTree returns the tree below fd, with the container's ID mappings.
func newTree(fd int, spec *specs.Spec) *cp.Tree {
	return cp.Container(fd, copiedIDs(spec.Linux.UIDMappings), copiedIDs(spec.Linux.GIDMappings))
}

func copiedIDs(mappings []specs.LinuxIDMapping) (ids []cp.IDs) {
	for _, m := range mappings {
		ids = append(ids, cp.IDs(m))
	}
	return ids
}

// TaskRoot returns an O_PATH descriptor of the root directory of the container's process.
// The error is state.ErrNotRunning or state.ErrNotExist if there is none.
func TaskRoot(c *container.Container) (int, error) {
	task, pidfd, err := openTask(c)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	name := "/proc/" + strconv.Itoa(task.Record.Pid) + "/root"
	fd, err := unix.Open(name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return -1, state.ErrNotRunning
	}
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", name, err)
	}
	// the process has not been reaped: until now the PID was its own
	if err := unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil {
		unix.Close(fd)
		return -1, state.ErrNotRunning
	}
	return fd, nil
}

// openTask returns the container's task, and a pidfd of its process for the caller to close.
func openTask(c *container.Container) (task *state.Dir, pidfd int, err error) {
	if task, err = c.Task(); err != nil {
		return nil, -1, err
	}
	pidfd, err = task.Record.Pidfd()
	return task, pidfd, err
}
