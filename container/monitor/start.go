package monitor

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/runtime"
)

// Start starts the watcher and waits until the container runs. stdin is
// what the container reads, nil for what its settings say. The error is ErrRunning if
// another one has started it at this moment, with what it is to read.
func Start(c *container.Container, stdin *os.File, explain bool) error {
	if err := c.RemoveFile("stopped"); err != nil {
		return err
	}
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
	monitor, err := os.StartProcess("/proc/self/exe", append(args, c.ID), &os.ProcAttr{
		Dir: "/", Env: environment(c), Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return err
	}
	output, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	if string(output) == running {
		return monitor.Release()
	}
	_, err = runtime.WaitFor(monitor.Pid)
	if err == nil && string(output) == alreadyStarting {
		return container.ErrRunning
	}
	return errors.Join(readReport(strings.TrimPrefix(string(output), running)), err)
}

// environment is the environment of the watcher: what it needs, not what the
// caller happens to have.
func environment(c *container.Container) []string { return []string{"MINICTR_ROOT=" + c.StoreRoot} }
