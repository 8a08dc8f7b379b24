package container

// A task is one run of a container: from the system calls that make it to the exit of its
// process. A container may have many, one after the other. Each is an OCI container of
// package runtime/state in the directory TaskDir: state.json records its process, and
// config.json is a hard link to the config that it was created with; update replaces the
// container's own.

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
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/state"
	"github.com/minictr/minictr/runtime/stdio"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// TaskDir is the runtime's state directory of the task, in the container's directory.
const TaskDir = "task"

// Task reads the container's present task: its process, as package runtime records it.
// Without one the error is state.ErrNotExist. A corrupt task is returned beside the error:
// its cgroup is known, and when it was created.
func (c *Container) Task() (*state.Dir, error) {
	task, err := state.OpenReadOnly(c.Dir, TaskDir)
	if err == nil && task.Record.ID == "" {
		err = fmt.Errorf("read %s: no record", task.Path("state.json"))
	}
	if err != nil && !errors.Is(err, state.ErrNotExist) {
		err = c.corrupt(err)
	}
	if task == nil {
		task = &state.Dir{}
	}
	return task, err
}

// CreateOptions returns the options of the container's first process, without streams.
func (c *Container) CreateOptions(host config.Host) (t runtime.ProcessOptions, err error) {
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return t, err
	}
	t.Options = CompileOptions(store.Layers(), c.Settings.Layers, host, c.Settings.Options.Remove)
	t.Warn = func(error) {}
	return t, nil
}

// ExecOptions returns the options of another process in it, with its streams.
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

// CreateTask creates the container and starts its process. The caller holds the lock.
func (c *Container) CreateTask(spec *specs.Spec, t runtime.ProcessOptions) (*runtime.Process, error) {
	task, err := state.New(c.Dir, TaskDir)
	if err != nil {
		return nil, err
	}
	task.Record.Bundle = c.Dir
	if err := os.Link(c.Path("config.json"), task.Path("config.json")); err != nil {
		return nil, errors.Join(err, task.Remove())
	}
	spec, closeSubpaths, err := OpenSubpaths(c.StoreRoot, c.Settings.Volumes, spec)
	if err != nil {
		return nil, errors.Join(err, task.Remove())
	}
	defer closeSubpaths()
	err = inScope(c, spec, t)
	var process *runtime.Process
	if err == nil {
		process, err = runtime.Create(task, spec, t)
	}
	if err != nil {
		return nil, errors.Join(WithFlag(err, c.Settings.Origin), task.Remove())
	}
	return process, task.Close()
}

// DeleteTask deletes a task whose process exited, with all its other processes. The
// caller holds the lock, and has saved the exit status.
func (c *Container) DeleteTask() error {
	if err := runtime.Delete(c.Dir, TaskDir, true, func(error) {}); err != nil {
		return fmt.Errorf("delete task of container %s: %w", c.ID, err)
	}
	return nil
}

// CompileOptions returns the options for a root filesystem of layers, with the
// container's own layer on top. A container of --rm is removed, so its writes need not
// reach the disk.
func CompileOptions(all *layers.Store, diffIDs []digest.Digest, host config.Host, remove bool) compile.Options {
	overlay := &compile.Overlay{Dir: all.Dir(), Changes: shortPath(all.Dir(), host.FilesDir), Volatile: remove}
	for _, diffID := range slices.Backward(all.Visible(diffIDs)) {
		overlay.Lower = append(overlay.Lower, all.Short(diffID))
	}
	overlay.Lower = append(overlay.Lower, InitLayer)
	return compile.Options{
		Root: overlay, Cgroup2: host.Cgroup2, Delegated: host.Scope, Count: countingControllers(host.Controllers),
		Reserved: host.Reserved, Arch: host.Arch, OpenFiles: host.OpenFiles,
	}
}

// countingControllers returns the controllers that stats needs for a container without
// limits. CPU time is counted without a controller (cgroup-v2, "CPU").
func countingControllers(controllers []string) []string {
	return slices.DeleteFunc(slices.Clone(controllers), func(c string) bool { return c != "memory" && c != "io" })
}

// shortPath returns dir relative to layers: a value of fsconfig(2) has at most 255
// bytes. If layers is a symbolic link, ".." leads elsewhere, and dir stays absolute.
func shortPath(layers, dir string) string {
	rel, err := filepath.Rel(layers, dir)
	if st, statErr := os.Lstat(layers); err != nil || statErr != nil || st.Mode()&fs.ModeSymlink != 0 {
		return dir
	}
	return rel
}

// PlanHost returns what a plan depends on of this host, for a container with a config.
func (c *Container) PlanHost() (h config.Host, err error) {
	h = config.Host{ID: c.ID, FilesDir: c.Dir, Arch: goruntime.GOARCH}
	if err = h.SetCgroups(); err != nil {
		return h, err
	}
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
