package lifecycle

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Exec runs a process in a container, and returns its exit code; with detach it
// is left to itself, and the code is 0. Of o there may be Command, Interactive, TTY,
// Env, EnvFiles, User and Workdir.
func Exec(root, name string, o *config.Options, detach bool) (code int, err error) {
	if err := checkExec(o, detach); err != nil {
		return 0, err
	}
	signals := runtime.CatchSignals()
	c, err := container.Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("exec in %w", err)
	}
	if code, err = execIn(c, o, detach, signals); err != nil {
		err = fmt.Errorf("exec in container %q: %w", name, err)
	}
	return code, err
}

func checkExec(o *config.Options, detach bool) error {
	if len(o.Command) == 0 {
		return hint.New(errors.New("exec: no command"), "write minictr exec CONTAINER COMMAND…")
	}
	if detach && o.TTY {
		return hint.New(errors.New("exec --detach --tty: nobody would be at that terminal"), "leave out -t")
	}
	if detach && o.Interactive {
		return hint.New(errors.New("exec --detach --interactive: nobody would speak to it"), "leave out -i")
	}
	return checkTerminal(o)
}

func execIn(c *container.Container, o *config.Options, detach bool, signals *runtime.Signals) (code int, err error) {
	task, err := runningTask(c)
	if err != nil {
		return 0, err
	}
	spec, err := execSpec(c, task, o)
	if err != nil {
		return 0, err
	}
	streams, err := execStreams(o, spec, detach)
	if err != nil {
		return 0, err
	}
	defer streams.Close()
	t, err := c.ExecOptions(streams)
	if err != nil {
		return 0, err
	}
	t.Outlive = detach
	signals.Ready()
	process, err := runtime.Exec(task, spec.Process, t)
	if err != nil || detach {
		return 0, container.WithFlag(err, config.ProcessOrigin(o))
	}
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return 0, err
	}
	code, err = process.Wait()
	return code, errors.Join(err, streams.Ended(), process.Close())
}

func execStreams(o *config.Options, spec *specs.Spec, detach bool) (*stdio.Streams, error) {
	if detach {
		return stdio.Null(), nil
	}
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	stdio.SetConsoleSize(spec.Process)
	return stdio.Open(o.Interactive, o.TTY, uid)
}

// execSpec returns the container's config with the process that o describes.
func execSpec(c *container.Container, task *state.Dir, o *config.Options) (*specs.Spec, error) {
	spec, err := task.Config()
	if err != nil {
		return nil, err
	}
	host := config.Host{Environ: os.Environ()}
	host.Dir, _ = os.Getwd() // it may be deleted
	if o.User == "" {
		return spec, config.ExecProcess(spec, o, nil, host)
	}
	root, err := rootfs.TaskRoot(c)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	return spec, config.ExecProcess(spec, o, rootfs.Files(root), host)
}
