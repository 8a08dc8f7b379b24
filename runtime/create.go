package runtime

// The life of a container, in the specification's words (runtime.md,
// "Lifecycle"):
//
//	create  the plan is carried out but for its last call; hooks have their say
//	start   that last call is let go
//	        … the program runs, more processes may join it (exec.go) …
//	kill    a signal
//	delete  what is left is removed
//
// What is true of a container in between, others have to find out when nobody
// of us runs any more: package state is about that. Here the process that
// creates hands over to its container: the child waits until its number is
// written down, and only from then on it lives without us. Killed before, we
// take it with us; killed after, it is as if we had ended.

import (
	"errors"
	"os"

	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// ProcessOptions are what a process is started with beside its config.
type ProcessOptions struct {
	compile.Options
	FDs           map[plan.Ref]int            // descriptors of its standard streams, as Options.Stdio says
	PidFile       string                      // gets the process's number, as decimal text; "" for none
	ConsoleSocket string                      // gets the host's side of its terminal; "" for none
	SubCgroup     string                      // of exec: a cgroup below the container's
	Warn          func(error)                 // is told what goes wrong and stops nothing
	Trace         func(*plan.Plan) walk.Trace // is told of each call; nil for nobody
}

// Connect gives the process the streams that were prepared for it.
func (t *ProcessOptions) Connect(s *stdio.Streams) {
	t.FDs, t.Stdio, t.Null = s.FDs, s.Connected, s.Null
}

// Create makes the container of spec, whose folder is new. With t.Wait its
// process waits for Start; with t.Outlive it lives on without us. On error
// nothing of the container is left but the folder, which is the caller's to
// remove.
func Create(f *state.Dir, spec *specs.Spec, t ProcessOptions) (*Process, error) {
	var err error
	if t.NetDevices, err = netDevices(spec); err != nil {
		return nil, err
	}
	p, err := compile.Compile(spec, t.Options)
	if err != nil {
		return nil, err
	}
	t.warn(p.Warnings)
	if err := recordCgroup(f, spec, p); err != nil {
		return nil, err
	}
	if t.FDs == nil {
		t.FDs = map[plan.Ref]int{}
	}
	release, err := t.makeFIFOs(f)
	if err != nil {
		return nil, err
	}
	defer release()
	c := &creation{dir: f, spec: spec, options: t, cgroup: p.Cgroup}
	process, err := t.launch(p, c.sync)
	if err != nil {
		return nil, c.undo(err)
	}
	return process, nil
}

// launch carries out a plan. A process that neither outlives us nor is held does
// not stop to be saved: for it stop is told to save when it runs.
func (t *ProcessOptions) launch(p *plan.Plan, stop func(*walk.Walk, plan.SyncPoint) error) (*Process, error) {
	caller := walk.Caller{FDs: t.FDs, Sync: stop}
	if t.Trace != nil {
		caller.Trace = t.Trace(p)
	}
	process, err := launch(p, caller)
	if err != nil || t.Outlive || t.Held {
		return process, err
	}
	if err := stop(process.walk, plan.Save); err != nil {
		return nil, errors.Join(err, process.end())
	}
	return process, nil
}

// warn tells what the config asks for and does not get.
func (t *ProcessOptions) warn(texts []string) {
	for _, text := range texts {
		t.Warn(errors.New(text))
	}
}

// recordCgroup records what a killed create would leave behind: not a cgroup that was
// there before.
func recordCgroup(f *state.Dir, spec *specs.Spec, p *plan.Plan) error {
	f.Record.OCIVersion, f.Record.Annotations = spec.Version, spec.Annotations
	f.Record.Rootfs = spec.Root.Path
	f.Record.Hooks, f.Record.Program = spec.Hooks, spec.Process != nil
	if _, err := os.Stat(p.Cgroup); p.Cgroup != "" && err != nil {
		return f.ExpectCgroup(p.Cgroup)
	}
	return nil
}

// makeFIFOs makes the FIFOs that a container holds until it is started. Both
// ends are open in it: it waits for a byte, never for somebody to open them.
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

// creation is a container in the making.
type creation struct {
	dir     *state.Dir
	spec    *specs.Spec
	options ProcessOptions
	cgroup  string
	hooked  bool // hooks have run
}

// sync is where the child waits for us.
func (c *creation) sync(w *walk.Walk, at plan.SyncPoint) error {
	if at == plan.Save {
		return c.save(w)
	}
	h := hooksOf(c.dir, specs.StateCreating)
	h.state.Pid, _ = w.Result(plan.Pid)
	if at == plan.Listen {
		return sendListener(w, c.spec.Linux.Seccomp, h.state)
	}
	if err := c.dir.Save(); err != nil { // a hook may ask for the state
		return err
	}
	c.hooked = true
	// The hooks are steps 3 to 5 of the life cycle, and after step 2 it is created.
	h.state.Status = specs.StateCreated
	h.spec, h.join = c.spec, &compile.Running{Pid: h.state.Pid, Cgroup: c.cgroup, Early: true}
	return h.create()
}

// undo ends what has begun: hooks that made something may want to know.
func (c *creation) undo(err error) error {
	if c.hooked {
		stopHooks(c.dir, c.options.Warn)
	}
	return err
}

// save hands out what the engine asked for, and writes the process down.
func (c *creation) save(w *walk.Walk) error {
	pid, _ := w.Result(plan.Pid)
	if err := c.options.publish(w); err != nil {
		return err
	}
	c.dir.Record.Cgroup = c.cgroup
	if err := c.dir.SetProcess(pid); err != nil {
		return err
	}
	return c.dir.Commit()
}
