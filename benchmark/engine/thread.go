package engine

import (
	"os"
	"runtime"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// thread starts commands in a mount namespace of its own. It lives until end: a
// command is killed with the thread that has started it (PR_SET_PDEATHSIG).
type thread struct {
	commands chan *benchmark.Command
	errors   chan error
}

func newThread(setUp func() error) (*thread, error) {
	t := &thread{make(chan *benchmark.Command), make(chan error)}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		t.errors <- setUp()
		for cmd := range t.commands {
			t.errors <- cmd.Start()
		}
	}()
	return t, <-t.errors
}

// start starts a command; without a thread, in the namespace of the benchmark.
func (t *thread) start(cmd *benchmark.Command) error {
	if t == nil {
		return cmd.Start()
	}
	t.commands <- cmd
	return <-t.errors
}

func (t *thread) end() {
	if t != nil {
		close(t.commands)
	}
}

// mountCgroup2 gives the thread a /sys/fs/cgroup that is cgroup v2, which crun
// and runc require, where the host's is not.
func mountCgroup2() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return os.NewSyscallError("unshare(CLONE_NEWNS)", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return os.NewSyscallError("mount / MS_PRIVATE", err)
	}
	if err := unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount /sys/fs/cgroup", err)
	}
	return os.NewSyscallError("mount cgroup2", unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""))
}
