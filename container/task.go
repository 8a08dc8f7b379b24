package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const TaskDir = "task"

// Task is the container's present one. Without one the error is
// state.ErrNotExist.
func (c *Container) Task() (*state.Dir, error) {
	task, err := state.OpenReadOnly(c.Dir, TaskDir)
	if err == nil && task.Record.ID == "" {
		err = fmt.Errorf("read %s: it is empty", task.Path("state.json"))
	}
	if err != nil && !errors.Is(err, state.ErrNotExist) {
		return nil, c.corrupt(err)
	}
	return task, err
}

// CreateOptions are those of the container's first process, but for its streams.
func (c *Container) CreateOptions(host config.Host) (t runtime.ProcessOptions, err error) {
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return t, err
	}
	t.Options = CompileOptions(store.Layers(), c.Settings.Layers, host, c.Settings.Options.Remove)
	t.Warn = func(error) {}
	return t, nil
}

// ExecOptions are those of another process in it, on streams that were made for it.
func (c *Container) ExecOptions(streams *stdio.Streams) (t runtime.ProcessOptions, err error) {
	host, err := c.PlanHost()
	if err != nil {
		return t, err
	}
	t.Options = compile.Options{Cgroup2: host.Cgroup2, Arch: host.Arch, OpenFiles: host.OpenFiles}
	t.Warn = func(error) {}
	t.Connect(streams)
	return t, nil
}

// CreateTask makes the container, and starts its process.
func (c *Container) CreateTask(spec *specs.Spec, t runtime.ProcessOptions) (*runtime.Process, error) {
	task, err := state.New(c.Dir, TaskDir)
	if err != nil {
		return nil, err
	}
	task.Record.Bundle = c.Dir
	if err := os.Link(c.Path("config.json"), task.Path("config.json")); err != nil {
		return nil, errors.Join(err, task.Remove())
	}
	process, err := runtime.Create(task, spec, t)
	if err != nil {
		return nil, errors.Join(WithFlag(err, c.Settings.Origin), task.Remove())
	}
	return process, task.Close()
}

// DeleteTask ends the life of a process that has been waited for, after its end was
// written down.
func (c *Container) DeleteTask() error {
	if err := runtime.Delete(c.Dir, TaskDir, true, func(error) {}); err != nil {
		return fmt.Errorf("end container %s: %w", c.ID, err)
	}
	return nil
}

// CompileOptions are layers, by the short names that the store has for them, and
// the container's own folder on top.
func CompileOptions(all *layers.Store, diffIDs []digest.Digest, host config.Host, remove bool) compile.Options {
	overlay := &compile.Overlay{
		Dir:     all.Dir(),
		Changes: shortPath(all.Dir(), host.FilesDir),
		// what is thrown away at the end need not reach the disk
		Volatile: remove,
	}
	for _, diffID := range slices.Backward(all.Visible(diffIDs)) {
		overlay.Lower = append(overlay.Lower, all.Short(diffID))
	}
	overlay.Lower = append(overlay.Lower, InitLayer)
	return compile.Options{Root: overlay, Cgroup2: host.Cgroup2, Count: countingControllers(host.Controllers), Reserved: host.Reserved, Arch: host.Arch, OpenFiles: host.OpenFiles}
}

// countingControllers are the controllers that tell stats what a container uses, though it has
// no limit; time on the CPU is counted without any.
func countingControllers(controllers []string) []string {
	return slices.DeleteFunc(slices.Clone(controllers), func(c string) bool { return c != "memory" && c != "io" })
}

// shortPath is the short name of folder for who stands in layers: an option of
// fsconfig(2) is too short for any path. Through a link ".." leads elsewhere.
func shortPath(layers, dir string) string {
	rel, err := filepath.Rel(layers, dir)
	if st, statErr := os.Lstat(layers); err != nil || statErr != nil || st.Mode()&fs.ModeSymlink != 0 {
		return dir
	}
	return rel
}

// PlanHost is what a plan depends on, for a container that has its config.
func (c *Container) PlanHost() (h config.Host, err error) {
	h = config.Host{ID: c.ID, FilesDir: c.Dir, Arch: goruntime.GOARCH}
	if h.Cgroup2, err = cgroup.Mount(); err != nil {
		return h, err
	}
	h.Controllers = cgroup.Available(h.Cgroup2)
	if err = h.SetReserved(&c.Settings.Options.Limits); err != nil {
		return h, err
	}
	h.OpenFiles, err = runtime.OpenFiles()
	return h, err
}

// WithFlag puts the flag that asked for a failed step in front of the step's error.
func WithFlag(err error, origin config.Origin) error {
	var failed *walk.Error
	if errors.As(err, &failed) {
		return origin.Wrap(err, failed.Step.From)
	}
	return err
}
