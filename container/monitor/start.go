package monitor

// A detached container outlives the command that starts it, and needs another parent. So
// the command starts a monitor, which creates the container itself, and reports through a
// pipe whether it runs (report.go).

import (
	"errors"
	"io"
	"os"
	"syscall"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
)

// Start starts a container's monitor, and waits until the container runs. The container
// reads stdin; if that is nil, what its settings say. With explain the monitor prints
// each system call on standard error. The error is container.ErrRunning if another
// command started the container at the same time, with its own standard input.
func Start(c *container.Container, stdin *os.File, explain bool) error {
	if err := c.RemoveFile(container.StoppedFile); err != nil {
		return err
	}
	// start the monitor, in a session of its own, with a pipe for its report
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	args := []string{"minictr", "monitor"}
	files := []*os.File{null, null, null, w}
	if explain {
		args, files[2] = append(args, "--explain"), os.Stderr
	}
	if stdin != nil {
		args, files[0] = append(args, "--stdin"), stdin
	}
	sys := &syscall.SysProcAttr{Setsid: true}
	group, err := container.MonitorCgroup()
	if err != nil {
		w.Close()
		return err
	}
	if group != nil {
		defer group.Close()
		sys.UseCgroupFD, sys.CgroupFD = true, int(group.Fd())
	}
	process, err := os.StartProcess("/proc/self/exe", append(args, c.ID), &os.ProcAttr{
		Dir: "/", Env: environment(c), Files: files, Sys: sys,
	})
	w.Close()
	if err != nil {
		return err
	}
	// the pipe is closed when the monitor executes its table, or exits
	report, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	if string(report) == running {
		return process.Release()
	}
	_, err = runtime.WaitFor(process.Pid)
	return errors.Join(readReport(string(report)), err)
}

// environment returns the environment of the monitor: nothing of the caller's.
func environment(c *container.Container) []string { return []string{"MINICTR_ROOT=" + c.StoreRoot} }
