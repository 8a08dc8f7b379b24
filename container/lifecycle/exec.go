package lifecycle

// A process of exec is like the container's own, with other arguments: unless flags say
// otherwise it has the same user, environment and working directory. It has the same
// limits and seccomp filter, and no capability beyond the container's bounding set.
// Package runtime puts it into the container (setns(2)).
//
// It is a child of this command, and is killed with it (PR_SET_PDEATHSIG). With --detach
// it outlives the command, and its streams are /dev/null.

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/rootfs"
	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/accounts"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Exec runs a process in a container, and returns its exit code. With detach it does not
// wait: the code is 0. Of the options it uses Command, Interactive, TTY, Env, EnvFiles,
// User and Workdir.
func Exec(root, name string, o *config.Options, detach bool) (code int, err error) {
	if err := checkExec(o, detach); err != nil {
		return 0, err
	}
	signals := runtime.CatchSignals()
	err = withContainer(root, name, "exec in", func(c *container.Container) error {
		code, err = execIn(c, o, detach, signals)
		return err
	})
	return code, err
}

func checkExec(o *config.Options, detach bool) error {
	switch {
	case len(o.Command) == 0:
		return hint.New(errors.New("exec: no command"), "minictr exec CONTAINER COMMAND…")
	case detach && o.TTY:
		return hint.New(errors.New("exec: --detach and --tty exclude each other"), "leave out -t")
	case detach && o.Interactive:
		return hint.New(errors.New("exec: --detach and --interactive exclude each other"), "leave out -i")
	}
	return checkTerminal(o)
}

func execIn(c *container.Container, o *config.Options, detach bool, signals *runtime.Signals) (code int, err error) {
	if err := checkComplete(c); err != nil {
		return 0, err
	}
	// find the task, and make the process's config and streams
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
	// start it
	t.Outlive, t.Signals = detach, signals
	command, id := strings.Join(spec.Process.Args, " "), container.NewID()
	c.Event("exec_create: "+command, "execID", id)
	process, err := runtime.Exec(task, spec.Process, t)
	if err == nil {
		c.Event("exec_start: "+command, "execID", id)
	}
	if err != nil || detach {
		return 0, container.WithFlag(err, config.ProcessOrigin(o))
	}
	// copy its streams, and wait for it
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return 0, err
	}
	code, err = process.Wait()
	if err == nil {
		c.Event("exec_die", "execID", id, "exitCode", strconv.Itoa(code))
	}
	return code, errors.Join(err, streams.Ended(), process.Close())
}

// execStreams opens the process's streams: this command's, or /dev/null if detached.
func execStreams(o *config.Options, spec *specs.Spec, detach bool) (*stdio.Streams, error) {
	if detach {
		return stdio.Null(), nil
	}
	uid, err := config.HostUID(spec)
	if err != nil {
		return nil, err
	}
	stdio.SetConsoleSize(spec.Process)
	return stdio.Open([3]bool{o.Interactive, true, true}, o.TTY, uid)
}

// execSpec returns the container's config with the process of the options. A user name
// is looked up in the container's /etc/passwd; the groups of --group-add stay.
func execSpec(c *container.Container, task *state.Dir, o *config.Options) (*specs.Spec, error) {
	spec, err := task.Config()
	if err != nil {
		return nil, err
	}
	host := config.Host{Environ: os.Environ()}
	host.Dir, _ = os.Getwd() // "" if the directory was deleted
	if o.User == "" {
		return spec, config.ExecProcess(spec, o, nil, host)
	}
	root, err := rootfs.TaskRoot(c)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	withGroups := *o
	withGroups.GroupAdd = c.Settings.Options.GroupAdd
	return spec, config.ExecProcess(spec, &withGroups, accounts.Files(root), host)
}
