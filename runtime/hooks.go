package runtime

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
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
// What a hook writes goes to a file in memory: its last lines are told if it
// fails, and however much it is, nobody waits for the end of it.

// hooks are the hooks of a container, in a state.
type hooks struct {
	spec  *specs.Spec
	state specs.State
	join  *plan.Running // for those that run inside
}

const lastWords = 1024 // bytes of a failed hook's output

// ociState is what hooks are told (runtime-spec, runtime.md, "State").
func ociState(f *state.Folder, status specs.ContainerState) specs.State {
	r := &f.Record
	return specs.State{Version: r.OCIVersion, ID: f.ID(), Status: status, Pid: r.Pid, Bundle: r.Bundle, Annotations: r.Annotations}
}

// create runs those of create.
func (h hooks) create() error {
	list := h.spec.Hooks
	//lint:ignore SA1019 the specification still wants it
	if err := h.run("prestart", list.Prestart, nil); err != nil {
		return err
	}
	if err := h.run("createRuntime", list.CreateRuntime, nil); err != nil {
		return err
	}
	return h.run("createContainer", list.CreateContainer, h.join)
}

// stopHooks runs those that come when a container is gone; one that fails is
// told to warn, and the next runs nevertheless.
func stopHooks(f *state.Folder, spec *specs.Spec, warn func(error)) {
	if spec.Hooks == nil {
		return
	}
	h := hooks{spec: spec, state: ociState(f, specs.StateStopped)}
	h.state.Pid = 0
	for i := range spec.Hooks.Poststop {
		if err := h.one(fmt.Sprintf("poststop[%d]", i), &spec.Hooks.Poststop[i], nil); err != nil && warn != nil {
			warn(err)
		}
	}
}

func (h hooks) run(kind string, list []specs.Hook, join *plan.Running) error {
	for i := range list {
		if err := h.one(fmt.Sprintf("%s[%d]", kind, i), &list[i], join); err != nil {
			return err
		}
	}
	return nil
}

// one runs a hook, on a thread of its own: the caller's may have been moved to
// where its next child is a container's.
func (h hooks) one(name string, hook *specs.Hook, join *plan.Running) error {
	done := make(chan error)
	go func() {
		done <- h.carryOut(hook, join)
	}()
	if err := <-done; err != nil {
		return fmt.Errorf("hooks.%s: %s: %w", name, hook.Path, err)
	}
	return nil
}

func (h hooks) carryOut(hook *specs.Hook, join *plan.Running) error {
	p, err := plan.Hook(hook, h.spec, plan.Options{Join: join})
	if err != nil {
		return err
	}
	input, err := h.input()
	if err != nil {
		return err
	}
	defer input.Close()
	output, err := memoryFile("hook output")
	if err != nil {
		return err
	}
	defer output.Close()
	given := map[plan.Ref]int{"stdin": int(input.Fd()), "stdout": int(output.Fd()), "stderr": int(output.Fd())}
	if join != nil {
		if given[plan.Init], err = unix.PidfdOpen(join.Pid, 0); err != nil {
			return fmt.Errorf("pidfd_open(%d): %w", join.Pid, err)
		}
		defer unix.Close(given[plan.Init])
	}
	process, err := launch(p, walk.Caller{Given: given})
	if err != nil {
		return err
	}
	return outcome(process, hook.Timeout, output)
}

// outcome waits for a hook, and no longer than its time-out.
func outcome(process *Process, seconds *int, output *os.File) error {
	if seconds != nil {
		late, err := process.outlasts(time.Duration(*seconds) * time.Second)
		if late {
			err = fmt.Errorf("killed: it took longer than its timeout of %d s", *seconds)
			unix.Kill(-process.Pid(), unix.SIGKILL) // and what it has started: it leads a process group
		}
		if err != nil {
			return errors.Join(err, process.end())
		}
	}
	defer process.Close()
	code, err := process.Wait()
	if err != nil || code == 0 {
		return err
	}
	text := make([]byte, lastWords)
	end, _ := output.Seek(0, 2)
	n, _ := output.ReadAt(text, max(0, end-lastWords))
	return fmt.Errorf("exit code %d: %s", code, strings.TrimSpace(string(text[:n])))
}

// input is the container's state.
func (h hooks) input() (*os.File, error) {
	data, err := json.Marshal(h.state)
	if err != nil {
		return nil, err
	}
	f, err := memoryFile("state")
	if err != nil {
		return nil, err
	}
	_, err = f.Write(data)
	if err == nil {
		_, err = f.Seek(0, 0)
	}
	return f, err
}

func memoryFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd_create %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// outlasts tells whether the process still runs after so long.
func (p *Process) outlasts(d time.Duration) (bool, error) {
	for deadline := time.Now().Add(d); ; {
		wait := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(wait, int(time.Until(deadline).Milliseconds())+1)
		if !errors.Is(err, unix.EINTR) {
			return n == 0, err
		}
	}
}
