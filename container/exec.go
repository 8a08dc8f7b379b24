package container

// Exec: another process in a container that runs.
//
// It is the container's own process with other words: the same environment, the
// same folder, the same limits, the same filter, and nothing more that it could do.
// The kernel is asked to put it there (setns(2), runtime.Exec); here is decided who
// it is. Names of users mean what they mean in the container now, in whatever it
// has made of its /etc/passwd since it began: see files.go.
//
// It is our child, and dies with us. With -d it is nobody's, and hears and says
// nothing: who wants to know what it does lets it write a file.

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strconv"

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
func Exec(root, name string, o *Options, detach bool) (code int, err error) {
	if err := checkExec(o, detach); err != nil {
		return 0, err
	}
	signals := runtime.CatchSignals()
	c, err := Find(root, name)
	if err != nil {
		return 0, fmt.Errorf("exec in %w", err)
	}
	if code, err = c.exec(o, detach, signals); err != nil {
		err = fmt.Errorf("exec in container %q: %w", name, err)
	}
	return code, err
}

func checkExec(o *Options, detach bool) error {
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

func (c *Container) exec(o *Options, detach bool, signals *runtime.Signals) (code int, err error) {
	life, err := c.running()
	if err != nil {
		return 0, err
	}
	spec, err := c.joining(life, o)
	if err != nil {
		return 0, err
	}
	streams, err := execStreams(o, spec, detach)
	if err != nil {
		return 0, err
	}
	defer streams.Close()
	t, err := c.joinTerms(streams)
	if err != nil {
		return 0, err
	}
	t.Outlive = detach
	signals.Ready()
	process, err := runtime.Exec(life, spec.Process, t)
	if err != nil || detach {
		return 0, blame(err, o, spec)
	}
	if err := process.Attach(streams, o.Interactive, signals); err != nil {
		return 0, err
	}
	code, err = process.Wait()
	return code, errors.Join(err, streams.Ended(), process.Close())
}

// running is the container's life, if its process is not frozen.
func (c *Container) running() (*state.Folder, error) {
	life, err := c.living()
	if err != nil {
		return nil, err
	}
	status, err := life.Status()
	if err == nil && status == state.Paused {
		err = c.errPaused()
	}
	return life, err
}

func (c *Container) errPaused() error {
	return hint.New(errors.New("it is paused"), "minictr unpause "+c.Name+" lets it go on")
}

func execStreams(o *Options, spec *specs.Spec, detach bool) (*stdio.Streams, error) {
	if detach {
		return stdio.Null(), nil
	}
	uid, err := hostUID(spec)
	if err != nil {
		return nil, err
	}
	stdio.Fit(spec.Process)
	return stdio.Open(o.Interactive, o.TTY, uid)
}

// joining is the container's config, with the process that o describes in place of
// its own.
func (c *Container) joining(life *state.Folder, o *Options) (*specs.Spec, error) {
	spec, err := life.Config()
	if err != nil {
		return nil, err
	}
	host := Host{Environ: os.Environ()}
	host.Dir, _ = os.Getwd() // which may be deleted
	j := &config{o: o, host: host, home: "/", spec: spec}
	p := spec.Process
	p.Args, p.Terminal, p.ConsoleSize = o.Command, o.TTY, nil
	if env := environment(p.Env); o.TTY && env.index("TERM") < 0 {
		env.set("TERM", "xterm")
		p.Env = env
	}
	if o.User != "" {
		if err := c.asUser(j); err != nil {
			return nil, err
		}
	}
	grantCapabilities(p)
	if o.Workdir != "" {
		if err := j.setCwd(); err != nil {
			return nil, err
		}
	}
	return spec, j.addEnv()
}

// asUser makes the process that of another user. If HOME is that of the
// container's user, as it is unless somebody has set it, the other one's takes
// its place.
func (c *Container) asUser(j *config) error {
	root, err := c.livingRoot()
	if err != nil {
		return err
	}
	defer unix.Close(root)
	j.files = rootFiles(root)
	before, err := j.findUser(strconv.FormatUint(uint64(j.spec.Process.User.UID), 10))
	if err != nil {
		return err
	}
	env := environment(j.spec.Process.Env)
	if home, _ := env.get("HOME"); home == cmp.Or(before.home, "/") {
		env.unset("HOME")
	}
	j.spec.Process.Env = env
	return j.setUser()
}

// grantCapabilities gives root what the container may have at most, and nobody
// else anything; nothing is ever inheritable (HARDENING.md, row 8).
func grantCapabilities(p *specs.Process) {
	if p.Capabilities == nil {
		return
	}
	most := p.Capabilities.Bounding
	p.Capabilities = &specs.LinuxCapabilities{Bounding: most}
	if p.User.UID == 0 {
		p.Capabilities.Effective, p.Capabilities.Permitted = most, most
	}
}
