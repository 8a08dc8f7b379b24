package container

import (
	"os"
	"path"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/cgroup"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// inScope makes the scope that the container's cgroup lies in, where systemd is the first
// process, and puts a container that was created elsewhere there.
func inScope(c *Container, spec *specs.Spec, t runtime.ProcessOptions) error {
	if t.Delegated == "" {
		return nil
	}
	spec.Linux.CgroupsPath = path.Join("/", t.Delegated, c.ID)
	_, err := runtime.Delegate(t.Cgroup2, t.Delegated)
	return err
}

// MonitorCgroup opens the cgroup that monitors belong in: one that does not end with the
// session of the user who starts the container, nor with the service. Without systemd it
// is nil: then a monitor stays in the cgroup of its caller.
func MonitorCgroup() (*os.File, error) {
	mount, err := cgroup.Mount()
	scope := config.ScopeOf(mount)
	if err != nil || scope == "" {
		return nil, err
	}
	dir, err := runtime.Delegate(mount, scope)
	if err != nil {
		return nil, err
	}
	return os.Open(dir)
}
