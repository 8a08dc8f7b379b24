package rootfs

import (
	"fmt"
	goruntime "runtime"

	"github.com/minictr/minictr/container"
	"golang.org/x/sys/unix"
)

// bareTaskRoot returns a descriptor of the mount that is the root of the container's process,
// without the mounts in it. Errors are those of TaskRoot.
func bareTaskRoot(c *container.Container) (int, error) {
	root, err := TaskRoot(c)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	task, err := c.Task()
	if err != nil {
		return -1, err
	}
	pidfd, err := task.Record.Pidfd()
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return cloneMount(pidfd, root)
}

// cloneMount clones the mount of a directory alone, not those in it (open_tree(2)). A mount is
// cloned only in its mount namespace, which a thread enters for it; the clone is in none.
func cloneMount(pidfd, dir int) (fd int, err error) {
	cloned := make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the thread exits with this function
		cloned <- func() error {
			// a thread that shares its working directory with others cannot enter one
			if err := unix.Unshare(unix.CLONE_FS); err != nil {
				return fmt.Errorf("unshare: %w", err)
			}
			if err := unix.Setns(pidfd, unix.CLONE_NEWNS); err != nil {
				return fmt.Errorf("setns: %w", err)
			}
			fd, err = unix.OpenTree(dir, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
			if err != nil {
				return fmt.Errorf("open_tree: %w", err)
			}
			return nil
		}()
	}()
	if err := <-cloned; err != nil {
		return -1, err
	}
	return fd, nil
}
