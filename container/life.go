package container

// A life of a container: from the system calls that make it to the end of its
// process. It may have many, one after the other.
//
// Each is an OCI container of package runtime/state, in the folder life of the
// container's own: state.json says which process, config.json how it was made.
// The folder is there as long as the life is.

import (
	"errors"
	"fmt"
	"os"

	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const lifeName = "life"

// life is the container's present one. Without one the error is
// state.ErrNotExist.
func (c *Container) life() (*state.Folder, error) {
	life, err := state.Look(c.dir, lifeName)
	if err == nil && life.Record.ID == "" {
		err = fmt.Errorf("read %s: it is empty", life.Path("state.json"))
	}
	if err != nil && !errors.Is(err, state.ErrNotExist) {
		return nil, c.torn(err)
	}
	return life, err
}

// terms are those of the container's first process, but for its streams.
func (c *Container) terms(host Host) (t runtime.Terms, err error) {
	store, err := images.Open(c.root)
	if err != nil {
		return t, err
	}
	t.Options = planOptions(store.Layers(), c.Settings.Layers, host, c.Settings.Options.Remove)
	t.Warn = func(error) {}
	return t, nil
}

// joinTerms are those of another process in it, on streams that were made for it.
func (c *Container) joinTerms(streams *stdio.Streams) (t runtime.Terms, err error) {
	host, err := c.planHost()
	if err != nil {
		return t, err
	}
	t.Options = compile.Options{Cgroup2: host.Cgroup2, Arch: host.Arch, OpenFiles: host.OpenFiles}
	t.Warn = func(error) {}
	t.Connect(streams)
	return t, nil
}

// begin makes the container, and starts its process.
func (c *Container) begin(spec *specs.Spec, t runtime.Terms) (*runtime.Process, error) {
	life, err := state.New(c.dir, lifeName)
	if err != nil {
		return nil, err
	}
	life.Record.Bundle = c.dir
	if err := os.Link(c.path("config.json"), life.Path("config.json")); err != nil {
		return nil, errors.Join(err, life.Remove())
	}
	process, err := runtime.Create(life, spec, t)
	if err != nil {
		return nil, errors.Join(blame(err, &c.Settings.Options, spec), life.Remove())
	}
	return process, life.Close()
}

// finish ends the life of a process that has been waited for, after its end was
// written down.
func (c *Container) finish() error {
	if err := runtime.Delete(c.dir, lifeName, true, func(error) {}); err != nil {
		return fmt.Errorf("end container %s: %w", c.ID, err)
	}
	return nil
}
