package engine

import (
	"fmt"
	"os/exec"
	"runtime"

	"github.com/minictr/minictr/benchmark"
	"golang.org/x/sys/unix"
)

// place is the mount namespace in which commands are started. crun and runc get
// one whose /sys/fs/cgroup is cgroup v2 alone, which crun insists on, where the
// host's is not. It belongs to one thread, that stays in it; commands are its
// children.
type place struct {
	commands chan *exec.Cmd
	started  chan error
}

// pure is a tool that wants cgroup v2 alone.
type pure interface{ pureCgroup2() }

// newPlace is nil for tools that are started like any command.
func newPlace(t tool) (*place, error) {
	if _, ok := t.(pure); !ok || cgroup2Alone() {
		return nil, nil
	}
	p := &place{make(chan *exec.Cmd), make(chan error)}
	go p.serve()
	return p, <-p.started
}

func cgroup2Alone() bool {
	var fs unix.Statfs_t
	return unix.Statfs("/sys/fs/cgroup", &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// serve never lets go of its thread, which ends with it.
func (p *place) serve() {
	runtime.LockOSThread()
	p.started <- enterPure()
	for cmd := range p.commands {
		p.started <- cmd.Start()
	}
}

func enterPure() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare(CLONE_NEWNS): %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mount / MS_PRIVATE: %w", err)
	}
	if err := unix.Unmount("/sys/fs/cgroup", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("umount /sys/fs/cgroup: %w", err)
	}
	if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
		return fmt.Errorf("mount cgroup2: %w", err)
	}
	return nil
}

func (p *place) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = benchmark.Tied()
	if p == nil {
		return cmd.Start()
	}
	p.commands <- cmd
	return <-p.started
}

func (p *place) leave() { close(p.commands) }
