package benchmark

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Command is a command of the host that does not outlive the benchmark.
type Command struct {
	*exec.Cmd
	stderr *os.File // not a pipe: a container may keep it open for longer than the command runs
}

// NewCommand returns a command that is killed when ctx ends, or when the thread
// that has started it does. A Ctrl-C in the terminal does not reach its process
// group, since it may be what cleans up.
func NewCommand(ctx context.Context, argv ...string) (*Command, error) {
	fd, err := unix.MemfdCreate("stderr", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	c := &Command{exec.CommandContext(ctx, argv[0], argv[1:]...), os.NewFile(uintptr(fd), "stderr")}
	c.Stderr = c.stderr
	c.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	return c, nil
}

// Wait is exec.Cmd.Wait, with standard error in the error. It returns all of it.
func (c *Command) Wait() (stderr string, err error) {
	defer c.stderr.Close()
	err = c.Cmd.Wait()
	text, _ := io.ReadAll(io.NewSectionReader(c.stderr, 0, 1<<20))
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, text[:min(len(text), 4096)])
	}
	return string(text), err
}

// Output starts a command by a function, and waits for it. It returns standard output.
func (c *Command) Output(start func(*Command) error) (string, error) {
	var out bytes.Buffer
	c.Stdout = &out
	if err := start(c); err != nil {
		c.stderr.Close()
		return "", err
	}
	_, err := c.Wait()
	return out.String(), err
}

// Run runs a command that has to succeed. It returns standard output.
func Run(ctx context.Context, argv ...string) (string, error) {
	c, err := NewCommand(ctx, argv...)
	if err != nil {
		return "", err
	}
	return c.Output((*Command).Start)
}

// Installed returns an error for the first program that is not in PATH.
func Installed(programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed", program)
		}
	}
	return nil
}

// StartDaemon starts a process that serves a target until it is stopped; its exit
// status does not matter. Its output goes to log. It is asked to end when the
// benchmark dies, not killed: it has to stop its own children.
func StartDaemon(log io.Writer, argv ...string) (stop func() error, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGTERM}
	stop = func() error {
		err := cmd.Process.Signal(unix.SIGTERM)
		cmd.Wait()
		return err
	}
	return stop, cmd.Start()
}

// Poll calls try until it succeeds or ctx ends; then the error holds both reasons.
func Poll(ctx context.Context, interval time.Duration, try func() error) error {
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(interval):
		}
	}
}
