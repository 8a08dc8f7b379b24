package runtime

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Hooks are programs that run at points of the lifecycle (runtime-spec, config.md,
// "POSIX-platform Hooks"), one after the other, with the container's state on standard
// input:
//
//	prestart, createRuntime   create: in the runtime's namespaces
//	createContainer           create: in the container's, before pivot_root
//	startContainer            start: in the container's, before the program
//	poststart                 start: after the program has started
//	poststop                  delete: after the container is destroyed
//
// A hook whose entry has no environment gets that of the command which runs it, as with runc
// and crun; startContainer, a program of the image, that of the container's process.
//
// If a hook fails, the later ones of its kind do not run, and the container is destroyed. A
// poststop hook that fails is a warning.
//
// The output of a hook is read while it runs; its tail becomes part of the error if the
// hook fails. The end of file is not waited for: a child of the hook may keep the pipe
// open.

// hooks are the hooks of a container, and the state that they read.
type hooks struct {
	list  specs.Hooks
	state specs.State
	spec  *specs.Spec      // whose namespaces the inner hooks join
	join  *compile.Running // its process
}

const outputTail = 1024 // bytes of a failed hook's output

// hooksOf returns the hooks that the container's record holds.
func hooksOf(f *state.Dir, status specs.ContainerState) *hooks {
	h := &hooks{state: ociState(f, status)}
	if f.Record.Hooks != nil {
		h.list = *f.Record.Hooks
	}
	return h
}

// ociState returns the state of a container (runtime-spec, runtime.md, "State").
func ociState(f *state.Dir, status specs.ContainerState) specs.State {
	r := &f.Record
	return specs.State{
		Version: r.OCIVersion, ID: f.ID(), Status: status, Pid: r.Pid, Bundle: r.Bundle, Annotations: r.Annotations,
	}
}

// create runs the hooks of create.
func (h *hooks) create() error {
	//lint:ignore SA1019 the specification still wants it
	if err := h.run("prestart", h.list.Prestart, nil); err != nil {
		return err
	}
	if err := h.run("createRuntime", h.list.CreateRuntime, nil); err != nil {
		return err
	}
	return h.run("createContainer", h.list.CreateContainer, h.join)
}

// startContainer runs the hooks that precede the program.
func (h *hooks) startContainer(f *state.Dir) (err error) {
	if len(h.list.StartContainer) == 0 {
		return nil
	}
	if h.spec, err = f.Config(); err != nil {
		return err
	}
	h.spec.Process = withoutProcessLabels(h.spec.Process, func(error) {}) // create has warned
	if compile.Home(h.spec.Process.Env) == "" {
		(&ProcessOptions{}).addHome(h.spec.Process, rootOf(f.Record.Pid))
	}
	h.join = &compile.Running{Pid: f.Record.Pid, Cgroup: f.Record.Cgroup}
	return h.run("startContainer", h.list.StartContainer, h.join)
}

// stopHooks runs the poststop hooks. warn receives the errors; the next hook runs all the
// same.
func stopHooks(f *state.Dir, warn func(error)) {
	h := hooksOf(f, specs.StateStopped)
	h.state.Pid = 0
	for i := range h.list.Poststop {
		if err := h.runOne("poststop", i, &h.list.Poststop[i], nil); err != nil && warn != nil {
			warn(err)
		}
	}
}

func (h *hooks) run(kind string, list []specs.Hook, join *compile.Running) error {
	for i := range list {
		if err := h.runOne(kind, i, &list[i], join); err != nil {
			return err
		}
	}
	return nil
}

// runOne runs a hook on another thread: the caller's may be in a pid namespace for
// children (setns(2)). Its error begins as runc's.
func (h *hooks) runOne(kind string, i int, hook *specs.Hook, join *compile.Running) error {
	done := make(chan error)
	go func() {
		done <- h.execHook(hook, join)
	}()
	if err := <-done; err != nil {
		return &HookError{kind, i, hook.Path, err}
	}
	return nil
}

func (h *hooks) execHook(hook *specs.Hook, join *compile.Running) error {
	if ofHost := join == nil || join.Early; ofHost && len(hook.Env) == 0 {
		inheriting := *hook
		inheriting.Env = os.Environ()
		hook = &inheriting
	}
	p, err := compile.Hook(hook, h.state.Bundle, h.spec, compile.Options{Join: join})
	if err != nil {
		return err
	}
	input, err := h.input()
	if err != nil {
		return err
	}
	defer input.Close()
	var output [2]int
	if err := unix.Pipe2(output[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("pipe2: %w", err)
	}
	defer unix.Close(output[0])
	defer unix.Close(output[1])
	fds := map[plan.Ref]int{"stdin": int(input.Fd()), "stdout": output[1], "stderr": output[1]}
	if join != nil {
		if fds[plan.Init], err = unix.PidfdOpen(join.Pid, 0); err != nil {
			return fmt.Errorf("pidfd_open(%d): %w", join.Pid, err)
		}
		defer unix.Close(fds[plan.Init])
	}
	process, err := launch(p, walk.Caller{FDs: fds, Sync: func(w *walk.Walk, _ plan.SyncPoint) error {
		return sendListener(w, h.spec.Linux.Seccomp, h.state) // the only point that a hook has
	}})
	if err != nil {
		return err
	}
	return outcome(process, hook.Timeout, output[0])
}

// outcome waits for a hook until its timeout, in seconds; nil for none.
func outcome(process *Process, seconds *int, output int) error {
	limit := time.Duration(math.MaxInt64)
	if seconds != nil {
		limit = time.Duration(*seconds) * time.Second
	}
	text, late, err := process.readOutput(output, limit)
	if late {
		err = fmt.Errorf("killed: timeout of %d s exceeded", *seconds)
		unix.Kill(-process.Pid(), unix.SIGKILL) // with its children: it leads a process group
	}
	if err != nil {
		return errors.Join(err, process.end())
	}
	defer process.Close()
	status, err := process.Status()
	if err != nil || status == 0 {
		return err
	}
	how := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		how = fmt.Sprintf("signal: %v", status.Signal())
	}
	if output := strings.TrimSpace(string(text)); output != "" {
		how += ": " + output
	}
	return errors.New(how)
}

// input returns a memory file with the container's state as JSON.
func (h *hooks) input() (*os.File, error) {
	data, err := json.Marshal(h.state)
	if err != nil {
		return nil, err
	}
	fd, err := unix.MemfdCreate("state", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create state: %w", err)
	}
	f := os.NewFile(uintptr(fd), "state")
	_, err = f.Write(data)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	return f, err
}

// readOutput reads the output of a process until it exits, or until the limit, and
// returns its tail. The caller holds the write end too, so the pipe never ends; once the
// process has exited, one read takes all that the pipe holds.
func (p *Process) readOutput(pipe int, limit time.Duration) (text []byte, late bool, err error) {
	const full = 64 << 10 // bytes in a pipe, pipe(7)
	buf := make([]byte, full)
	for began := time.Now(); ; {
		wait := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}, {Fd: int32(pipe), Events: unix.POLLIN}}
		left := min(limit-time.Since(began), time.Hour)
		_, err := unix.Poll(wait, int(max(left, 0).Milliseconds())+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return text, false, fmt.Errorf("poll: %w", err)
		}
		if err == nil && wait[1].Revents != 0 {
			n, _ := unix.Read(pipe, buf)
			text = append(text, buf[:max(n, 0)]...)
			text = text[max(0, len(text)-outputTail):]
		}
		if err == nil && wait[0].Revents != 0 {
			return text, false, nil
		}
		if time.Since(began) >= limit {
			return text, true, nil
		}
	}
}

// HookError is a hook that failed. Its text is runc's.
type HookError struct {
	Kind  string // "createRuntime"
	Index int    // in the list of this kind
	Path  string
	Err   error
}

func (e *HookError) Error() string {
	return fmt.Sprintf("error running %s hook #%d: %s: %v", e.Kind, e.Index, e.Path, e.Err)
}

func (e *HookError) Unwrap() error { return e.Err }
