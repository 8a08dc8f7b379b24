package monitor

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/hint"
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

const running = "."

const alreadyStarting = "=" // by another one, which is its watcher

// environment is the environment of the watcher: what it needs, not what the
// caller happens to have.
func environment(c *container.Container) []string { return []string{"MINICTR_ROOT=" + c.StoreRoot} }

// startReport is an error on its way from the watcher to who started it.
type startReport struct {
	Text, Advice string
	Code         int // the exit code of a program that could not be started, 0 for other errors
}

func readReport(output string) error {
	var t startReport
	if err := json.Unmarshal([]byte(output), &t); err != nil {
		return errors.New("its watcher was killed")
	}
	err := errors.New(t.Text)
	if t.Advice != "" {
		err = hint.New(err, t.Advice)
	}
	if t.Code != 0 {
		return &container.ExitError{Err: err, Code: t.Code}
	}
	return err
}

// sendReport sends an error to who started the watcher.
func sendReport(to io.Writer, err error) error {
	t := startReport{Text: err.Error(), Advice: hint.Of(err)}
	t.Code, _ = runtime.ExecExitCode(err)
	data, marshalErr := json.Marshal(t)
	_, writeErr := to.Write(data)
	return errors.Join(marshalErr, writeErr)
}
