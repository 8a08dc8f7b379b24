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

// Hooks run when something happens to a container (runtime-spec, config.md,
// "POSIX-platform Hooks"), each kind at its moment and in its order, one after
// the other, with the container's state on standard input:
//
//	prestart, createRuntime   create, in the runtime's namespaces
//	createContainer           create, in the container's, before pivot_root
//	startContainer            start, in the container's
//	poststart                 start, when the program runs
//	poststop                  delete, when the container is gone
//
// What a hook writes is read while it runs, and its last words are told if it
// fails. However much it is, it fills no memory; and nobody waits for the end of
// it, which a child of the hook may keep away for ever.

// hooks are the hooks of a container, in a state.
type hooks struct {
	list  specs.Hooks
	state specs.State
	spec  *specs.Spec      // whose namespaces those join that run inside,
	join  *compile.Running // and whose process is there already
}

const outputTail = 1024 // bytes of a failed hook's output

// hooksOf are those of a container whose folder tells of them.
func hooksOf(f *state.Dir, status specs.ContainerState) *hooks {
	h := &hooks{state: ociState(f, status)}
	if f.Record.Hooks != nil {
		h.list = *f.Record.Hooks
	}
	return h
}

// ociState is what hooks are told (runtime-spec, runtime.md, "State").
func ociState(f *state.Dir, status specs.ContainerState) specs.State {
	r := &f.Record
	return specs.State{Version: r.OCIVersion, ID: f.ID(), Status: status, Pid: r.Pid, Bundle: r.Bundle, Annotations: r.Annotations}
}

// create runs those of create.
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

// startContainer runs those that come before the program, inside.
func (h *hooks) startContainer(f *state.Dir) (err error) {
	if len(h.list.StartContainer) == 0 {
		return nil
	}
	if h.spec, err = f.Config(); err != nil {
		return err
	}
	h.join = &compile.Running{Pid: f.Record.Pid, Cgroup: f.Record.Cgroup}
	return h.run("startContainer", h.list.StartContainer, h.join)
}

// stopHooks runs those that come when a container is gone; one that fails is
// told to warn, and the next runs nevertheless.
func stopHooks(f *state.Dir, warn func(error)) {
	h := hooksOf(f, specs.StateStopped)
	h.state.Pid = 0
	for i := range h.list.Poststop {
		if err := h.runOne(fmt.Sprintf("poststop[%d]", i), &h.list.Poststop[i], nil); err != nil && warn != nil {
			warn(err)
		}
	}
}

func (h *hooks) run(kind string, list []specs.Hook, join *compile.Running) error {
	for i := range list {
		if err := h.runOne(fmt.Sprintf("%s[%d]", kind, i), &list[i], join); err != nil {
			return err
		}
	}
	return nil
}

// runOne runs a hook, on a thread of its own: the caller's may have been moved to
// where its next child is a container's.
func (h *hooks) runOne(name string, hook *specs.Hook, join *compile.Running) error {
	done := make(chan error)
	go func() {
		done <- h.execHook(hook, join)
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("hooks.%s: %s: %w", name, hook.Path, err)
	}
	return nil
}

func (h *hooks) execHook(hook *specs.Hook, join *compile.Running) error {
	p, err := compile.Hook(hook, h.spec, compile.Options{Join: join})
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
	process, err := launch(p, walk.Caller{FDs: fds})
	if err != nil {
		return err
	}
	return outcome(process, hook.Timeout, output[0])
}

// outcome waits for a hook, and no longer than its time-out.
func outcome(process *Process, seconds *int, output int) error {
	limit := time.Duration(math.MaxInt64)
	if seconds != nil {
		limit = time.Duration(*seconds) * time.Second
	}
	text, late, err := process.readOutput(output, limit)
	if late {
		err = fmt.Errorf("killed: it took longer than its timeout of %d s", *seconds)
		unix.Kill(-process.Pid(), unix.SIGKILL) // and what it has started: it leads a process group
	}
	if err != nil {
		return errors.Join(err, process.end())
	}
	defer process.Close()
	code, err := process.Wait()
	if err != nil || code == 0 {
		return err
	}
	return fmt.Errorf("exit code %d: %s", code, strings.TrimSpace(string(text)))
}

// input is the container's state.
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

// readOutput reads what a process writes for as long as it runs, or until it is late,
// and keeps the last words. Somebody holds the other end of the pipe, so it never
// ends; when the process has, one read takes all that is in it.
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
