package container

// Start begins a life in the background. The container needs a parent that stays
// when this command is gone: its watcher (watcher.go), which is started here and
// makes the container itself. When it has, it says so through a pipe, or else why
// it could not.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
)

// Start starts a container in the background, unless it runs; one that is paused
// goes on by Unpause alone. With explain the system calls are told on standard
// error.
func Start(root, name string, explain bool) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("start %w", err)
	}
	s, err := c.State()
	if s.Status == Paused {
		return fmt.Errorf("start container %q: %w", name, c.errPaused())
	}
	if err != nil || s.Lives() {
		return err
	}
	if err := c.startWatcher(nil, explain); err != nil && !errors.Is(err, errRunning) {
		return fmt.Errorf("start container %q: %w", name, err)
	}
	return nil
}

// StartAnew stops a container as Stop does, and starts it again in the background.
func StartAnew(root, name string, timeout *time.Duration) error {
	c, err := Find(root, name)
	if err != nil {
		return fmt.Errorf("restart %w", err)
	}
	s, err := c.State()
	if err == nil && s.Lives() && c.Settings.Options.Remove {
		err = hint.New(errors.New("it is one of --rm, and goes when it ends"), "begin another one with minictr run")
	}
	if err == nil {
		err = c.stop(timeout)
	}
	if err == nil {
		err = c.startWatcher(nil, false)
	}
	if err != nil && !errors.Is(err, errRunning) {
		return fmt.Errorf("restart container %q: %w", name, err)
	}
	return nil
}

// startWatcher starts the watcher and waits until the container runs. stdin is
// what the container reads, nil for what its settings say. The error is errRunning if
// another one has started it at this moment, with what it is to read.
func (c *Container) startWatcher(stdin *os.File, explain bool) error {
	if err := c.drop("stopped"); err != nil {
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
	args := []string{"minictr", "watch"}
	files := []*os.File{null, null, null, w}
	if explain {
		args, files[2] = append(args, "--explain"), os.Stderr
	}
	if stdin != nil {
		args, files[0] = append(args, "--stdin"), stdin
	}
	watcher, err := os.StartProcess("/proc/self/exe", append(args, c.ID), &os.ProcAttr{
		Dir: "/", Env: c.watcherEnv(), Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	w.Close()
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return err
	}
	if string(said) == lives {
		return watcher.Release()
	}
	_, err = runtime.WaitFor(watcher.Pid)
	if err == nil && string(said) == overtaken {
		return errRunning
	}
	return errors.Join(understand(strings.TrimPrefix(string(said), lives)), err)
}

// What the watcher says when the container runs. After lives there is only the end of
// the pipe, or what has gone wrong at the very last.
const (
	lives     = "."
	overtaken = "=" // by another one, which is its watcher
)

// watcherEnv is the environment of the watcher: what it needs, not what the
// caller happens to have.
func (c *Container) watcherEnv() []string { return []string{"MINICTR_ROOT=" + c.root} }

// trouble is an error on its way from the watcher to who started it.
type trouble struct {
	Text, Advice string
	Code         int // the exit code of a program that could not be started, 0 for other errors
}

// Fault is an error whose exit code is known.
type Fault struct {
	Err  error
	Code int
}

func (f *Fault) Error() string { return f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

func understand(said string) error {
	var t trouble
	if err := json.Unmarshal([]byte(said), &t); err != nil {
		return errors.New("its watcher was killed")
	}
	err := errors.New(t.Text)
	if t.Advice != "" {
		err = hint.New(err, t.Advice)
	}
	if t.Code != 0 {
		return &Fault{err, t.Code}
	}
	return err
}

// tellStarter sends an error to who started the watcher.
func tellStarter(to io.Writer, err error) error {
	t := trouble{Text: err.Error(), Advice: hint.Of(err)}
	t.Code, _ = runtime.ExecExitCode(err)
	data, marshalErr := json.Marshal(t)
	_, writeErr := to.Write(data)
	return errors.Join(marshalErr, writeErr)
}
