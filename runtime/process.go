package runtime

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"golang.org/x/sys/unix"
)

// Process is a process that this program has started in a container. The first one is
// pid 1 of its pid namespace: when it exits the kernel kills all others there
// (pid_namespaces(7)).
type Process struct {
	walk   *walk.Walk
	cgroup string // directory to remove at the end, "" for none
	pidfd  int
}

// launch carries out a plan. It locks the goroutine to its thread, whose end kills the
// process (PR_SET_PDEATHSIG) unless that is to outlive the caller.
func launch(p *plan.Plan, caller walk.Caller) (*Process, error) {
	release, err := pipe(caller.FDs, plan.ResumeRead, plan.ResumeWrite)
	if err != nil {
		return nil, err
	}
	defer release()
	goruntime.LockOSThread()
	process := &Process{}
	process.walk, err = walk.Start(p, caller)
	var failed *walk.Error
	var stopped *walk.Stopped
	reached := 0
	if errors.As(err, &failed) {
		reached = failed.Index
	} else if err == nil || errors.As(err, &stopped) {
		reached = len(p.Steps)
	}
	if p.MadeCgroup(reached) {
		process.cgroup = p.Cgroup
	}
	if err != nil {
		return nil, errors.Join(needsRoot(err), process.removeCgroup())
	}
	process.pidfd, _ = process.walk.Result(plan.Pidfd)
	return process, nil
}

// needsRoot adds a hint to a refusal that has none, if this program is not run by root.
func needsRoot(err error) error {
	if os.Geteuid() != 0 && hint.Of(err) == "" && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)) {
		return hint.New(err, "run it as root: sudo minictr …")
	}
	return err
}

// pipe makes a pipe on which the child waits for the host.
func pipe(fds map[plan.Ref]int, read, write plan.Ref) (release func(), err error) {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("pipe2: %w", err)
	}
	fds[read], fds[write] = pipe[0], pipe[1]
	return func() { unix.Close(pipe[0]); unix.Close(pipe[1]) }, nil
}

// Pid returns the pid in the host's pid namespace.
func (p *Process) Pid() int {
	pid, _ := p.walk.Result(plan.Pid)
	return pid
}

// Pidfd returns a pidfd of the process, for the caller to close.
func (p *Process) Pidfd() (int, error) {
	return unix.FcntlInt(uintptr(p.pidfd), unix.F_DUPFD_CLOEXEC, 0)
}

// Terminal returns the host's end of the container's terminal, which the caller closes;
// nil without one.
func (p *Process) Terminal() (*os.File, error) { return terminal(p.walk) }

func terminal(w *walk.Walk) (*os.File, error) {
	fd, ok := w.Result(plan.Ptmx)
	if !ok {
		return nil, nil
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fcntl(F_DUPFD_CLOEXEC): %w", err)
	}
	if err := unix.SetNonblock(own, true); err != nil {
		return nil, fmt.Errorf("fcntl(O_NONBLOCK): %w", err)
	}
	return os.NewFile(uintptr(own), "ptmx"), nil
}

// Signal sends a signal to the process (pidfd_send_signal(2)). That it has exited is no
// error.
func (p *Process) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(p.pidfd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// Wait waits until the process exits, and returns its exit code as a shell does: its
// own, or 128 plus the number of the signal that killed it.
func (p *Process) Wait() (code int, err error) {
	status, err := p.Status()
	if err != nil {
		return 0, err
	}
	if status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return status.ExitStatus(), nil
}

// Status waits until the process exits, and returns its wait status (wait(2)).
func (p *Process) Status() (unix.WaitStatus, error) { return WaitFor(p.Pid()) }

// WaitFor waits for a child.
func WaitFor(pid int) (status unix.WaitStatus, err error) {
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if err == nil {
			return status, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return status, fmt.Errorf("wait4 %d: %w", pid, err)
		}
	}
}

// Close kills what still runs in the cgroup, removes it, ends other processes that the plan has
// made, and closes the descriptors.
func (p *Process) Close() error {
	p.walk.EndHelpers()
	p.walk.Close()
	return p.removeCgroup()
}

// end kills the process, waits for it, and removes what is left.
func (p *Process) end() error {
	err := p.Signal(unix.SIGKILL)
	_, waitErr := p.Wait()
	return errors.Join(err, waitErr, p.Close())
}

func (p *Process) removeCgroup() error {
	if p.cgroup == "" {
		return nil
	}
	if err := cgroup.Remove(p.cgroup); err != nil {
		return fmt.Errorf("remove cgroup: %w", err)
	}
	return nil
}
