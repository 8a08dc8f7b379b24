package runtime

// The lifecycle of a container (runtime-spec, runtime.md, "Lifecycle"):
//
//	create  carries out the plan up to its last call, and runs the create hooks
//	start   lets the process make that last call, execve(2)
//	        … the program runs; exec adds processes (exec.go) …
//	kill    sends a signal
//	delete  removes what is left
//
// Each is a command of its own. Between them package state tells what is true of the
// container. The child of create waits until its pid is recorded. If create is killed
// before that, the kernel kills the child (PR_SET_PDEATHSIG); after that the container
// lives on without its creator.

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/systemd"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// ProcessOptions says how to start a process, beside its config.
type ProcessOptions struct {
	compile.Options
	FDs           map[plan.Ref]int            // descriptors of its standard streams, as Options.Stdio says
	PidFile       string                      // receives the pid, as decimal text; "" for none
	ConsoleSocket string                      // receives the host's end of the terminal; "" for none
	PidfdSocket   string                      // receives a pidfd of the process; "" for none
	SubCgroup     string                      // for exec: a cgroup below the container's
	IgnorePaused  bool                        // for exec: a paused container is no error
	GivenCgroup   bool                        // for create: the cgroup is the caller's choice, and may exist
	Scope         *systemd.Scope              // for create: the scope to make for it; nil for none
	Signals       *Signals                    // are caught when the plan is carried out; nil for none
	Warn          func(error)                 // receives what goes wrong without stopping the operation
	Trace         func(*plan.Plan) walk.Trace // traces each call; nil for none
	Stop          func(*walk.Walk) error      // is called at each stop, with Stops
}

// InScope makes the container start in a scope of systemd: the one that linux.cgroupsPath
// names, or one named after its id.
func (t *ProcessOptions) InScope(spec *specs.Spec, id string) error {
	scope, err := systemd.ParsePath(spec.Linux.CgroupsPath, id)
	if err != nil {
		return fmt.Errorf("linux.cgroupsPath: %w", err)
	}
	spec.Linux.CgroupsPath = scope.Path()
	t.Scope, t.Delegated, t.Held = &scope, strings.TrimPrefix(scope.Path(), "/"), true
	return nil
}

// Connect gives the process its streams.
func (t *ProcessOptions) Connect(s *stdio.Streams) {
	t.FDs, t.Stdio, t.Null, t.Before = s.FDs, s.Connected, s.Null, s.Steps
}

// Create creates the container of spec in its new directory f. With t.Wait the process
// waits for StartCreated; with t.Outlive it outlives the caller. On error nothing of the
// container is left but f, which the caller removes.
func Create(f *state.Dir, spec *specs.Spec, t ProcessOptions) (*Process, error) {
	var err error
	if t.NetDevices, err = netDevices(spec); err != nil {
		return nil, err
	}
	if len(t.NetDevices) > 0 { // virtual ones would not outlive a plan that fails
		if spec, _, err = ResolveLinks(spec, t.Options); err != nil {
			return nil, err
		}
	}
	spec = withoutLabels(spec, t.Warn)
	t.SetHome(spec)
	t.HostNodes = hostNodes(spec)
	if t.CopiedLinks, err = copiedLinks(spec); err != nil {
		return nil, err
	}
	p, err := compile.Compile(spec, t.Options)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(p.Cgroup); t.GivenCgroup && err == nil {
		if p, err = t.inExisting(spec, p.Cgroup); err != nil {
			return nil, err
		}
	}
	ignored, err := checkAnnotations(spec)
	if err != nil {
		return nil, err
	}
	t.warn(append(p.Warnings, ignored...))
	if err := recordCgroup(f, spec, p); err != nil {
		return nil, err
	}
	f.Record.CgroupExisted = t.Existing
	if t.FDs == nil {
		t.FDs = map[plan.Ref]int{}
	}
	release, err := t.makeFIFOs(f)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := t.tellReserved(p.Cgroup, spec); err != nil {
		return nil, err
	}
	c := &creation{dir: f, spec: spec, options: t, cgroup: p.Cgroup}
	process, err := c.launch(p)
	if isDangling(err) {
		process, err = c.relaunch(err)
	}
	if err != nil {
		return nil, c.undo(err)
	}
	return process, nil
}

// inExisting returns the plan of a container in a cgroup that exists.
func (t *ProcessOptions) inExisting(spec *specs.Spec, path string) (*plan.Plan, error) {
	if err := cgroup.CheckFree(path); err != nil {
		return nil, fmt.Errorf("linux.cgroupsPath: %s: %w", path, err)
	}
	t.Existing = true
	return compile.Compile(spec, t.Options)
}

// launch carries out a plan, in the scope that the options ask for.
func (c *creation) launch(p *plan.Plan) (process *Process, err error) {
	if c.scope, err = c.options.startScope(c.dir.ID(), c.spec); err != nil {
		return nil, err
	}
	defer c.scope.release()
	return c.options.launch(p, c.sync)
}

// relaunch carries out another plan, if the first has failed because of dangling symbolic
// links (links.go).
func (c *creation) relaunch(failure error) (*Process, error) {
	spec, changed, err := ResolveLinks(c.spec, c.options.Options)
	if err != nil || !changed {
		return nil, errors.Join(failure, err)
	}
	p, err := compile.Compile(spec, c.options.Options)
	if err != nil {
		return nil, err
	}
	if err := c.options.Root.Remountable(); err != nil {
		return nil, err
	}
	return c.launch(p)
}

// launch carries out a plan. Only a process that outlives the caller, or that is held, waits
// at plan.Save; for others sync is called when they run.
func (t *ProcessOptions) launch(p *plan.Plan, sync func(*walk.Walk, plan.SyncPoint) error) (*Process, error) {
	if t.Signals != nil {
		t.Signals.await()
	}
	caller := walk.Caller{FDs: t.FDs, Sync: sync}
	if t.Trace != nil {
		caller.Trace = t.Trace(p)
	}
	if t.Stops {
		release, err := pipe(caller.FDs, plan.StepRead, plan.StepWrite)
		if err != nil {
			return nil, err
		}
		defer release()
	}
	process, err := launch(p, caller)
	if err != nil || t.Outlive || t.Held {
		return process, err
	}
	if err := sync(process.walk, plan.Save); err != nil {
		return nil, errors.Join(err, process.end())
	}
	return process, nil
}

// warn reports what the config asks for and does not get.
func (t *ProcessOptions) warn(texts []string) {
	for _, text := range texts {
		t.Warn(errors.New(text))
	}
}

// recordCgroup records the container and its cgroup, which a killed create would leave
// behind; a cgroup that existed before is not recorded.
func recordCgroup(f *state.Dir, spec *specs.Spec, p *plan.Plan) error {
	f.Record.OCIVersion, f.Record.Annotations = spec.Version, spec.Annotations
	f.Record.Rootfs = spec.Root.Path
	f.Record.Hooks, f.Record.Program = spec.Hooks, spec.Process != nil
	if l := spec.Linux; l != nil && slices.ContainsFunc(l.Namespaces, joinsUserns) {
		f.Record.UIDMappings, f.Record.GIDMappings = l.UIDMappings, l.GIDMappings
	}
	if _, err := os.Stat(p.Cgroup); p.Cgroup != "" && err != nil {
		return f.ExpectCgroup(p.Cgroup)
	}
	return nil
}

// makeFIFOs makes the FIFOs that a created container holds until it is started. Both
// ends are open in it, so it blocks in read(2), never in open(2).
func (t *ProcessOptions) makeFIFOs(f *state.Dir) (release func(), err error) {
	if !t.Wait {
		return func() {}, nil
	}
	var fifos []*os.File
	release = func() {
		for _, fifo := range fifos {
			fifo.Close()
		}
	}
	for name, ref := range map[string]plan.Ref{"go": plan.Start, "report": plan.StartError} {
		fifo, err := f.Fifo(name)
		if err != nil {
			release()
			return nil, err
		}
		fifos = append(fifos, fifo)
		t.FDs[ref] = int(fifo.Fd())
	}
	return release, nil
}

// creation is a container that is being created.
type creation struct {
	dir     *state.Dir
	spec    *specs.Spec
	options ProcessOptions
	cgroup  string
	scope   *startedScope
	hooked  bool // hooks have run
}

// sync does the host's part at a point where the child waits.
func (c *creation) sync(w *walk.Walk, at plan.SyncPoint) error {
	switch at {
	case plan.Save:
		return c.save(w)
	case plan.Stop:
		return c.options.Stop(w)
	}
	h := hooksOf(c.dir, specs.StateCreating)
	h.state.Pid, _ = w.Result(plan.Pid)
	switch at {
	case plan.Home:
		return c.sendHome(w, h.state.Pid)
	case plan.Listen:
		return sendListener(w, c.spec.Linux.Seccomp, h.state)
	}
	if err := c.dir.Save(); err != nil { // a hook may run the state command
		return err
	}
	c.hooked = true
	// Hooks are steps 3 to 5 of the lifecycle; after step 2 the status is created.
	h.state.Status = specs.StateCreated
	h.spec, h.join = c.spec, &compile.Running{Pid: h.state.Pid, Cgroup: c.cgroup, Early: true}
	return h.create()
}

// undo runs the poststop hooks if other hooks have run.
func (c *creation) undo(err error) error {
	if c.hooked {
		stopHooks(c.dir, c.options.Warn)
	}
	return err
}

// save publishes the process to the engine, and records it.
func (c *creation) save(w *walk.Walk) error {
	pid, _ := w.Result(plan.Pid)
	if err := c.scope.started(); err != nil {
		return err
	}
	if err := c.options.publish(w); err != nil {
		return err
	}
	c.dir.Record.Cgroup = c.cgroup
	if err := c.dir.SetProcess(pid); err != nil {
		return err
	}
	return c.dir.Commit()
}
