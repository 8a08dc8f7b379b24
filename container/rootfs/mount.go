package rootfs

import (
	"errors"
	"path/filepath"
	goruntime "runtime"

	"github.com/minictr/minictr/container"
	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/runtime"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// stoppedRoot mounts the root of a container that does not run, for this command alone,
// until the caller calls unmount.
func stoppedRoot(c *container.Container, spec *specs.Spec, write bool) (fd int, unmount func() error, err error) {
	store, err := images.Open(c.StoreRoot)
	if err != nil {
		return -1, nil, err
	}
	o := container.CompileOptions(store.Layers(), c.Settings.Layers, config.Host{FilesDir: c.Dir}, false)
	view := compile.View{Write: write, Optional: func(m specs.Mount) bool {
		return filepath.Dir(m.Source) == c.Dir || m.Destination == config.InitPath
	}}
	spec, closeSubpaths, err := container.OpenSubpaths(c.StoreRoot, c.Settings.Volumes, spec)
	if err != nil {
		return -1, nil, err
	}
	defer closeSubpaths()
	// mount points may be dangling links until the first start has made their ends
	if spec, _, err = runtime.ResolveLinks(spec, o); err != nil {
		return -1, nil, err
	}
	o.Root.ReadOnly = !write
	fd, unmount, err = mountRoot(spec, o, view)
	if o.Root.ReadOnly && errors.Is(err, unix.ENOENT) {
		// A volume has no mount point: the container's first start would make it, and so does this.
		o.Root.ReadOnly = false
		fd, unmount, err = mountRoot(spec, o, view)
	}
	return fd, unmount, container.WithFlag(err, c.Settings.Origin)
}

// mountRoot mounts a root in the mount namespace of a thread, which exits when the caller
// has called unmount. Before that returns, the layers may not be stacked again.
func mountRoot(spec *specs.Spec, o compile.Options, v compile.View) (fd int, unmount func() error, err error) {
	p, err := compile.Mount(spec, o, v)
	if err != nil {
		return -1, nil, err
	}
	mounted, leave, left := make(chan error), make(chan struct{}), make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the thread exits with this function
		w, err := walk.Host(p, walk.Caller{})
		if err == nil {
			fd, _ = w.Result(plan.Root)
		}
		mounted <- err
		if err == nil {
			<-leave
			err := unmountRoot(fd)
			w.Close()
			left <- err
		}
	}()
	err = <-mounted
	return fd, func() error { close(leave); return <-left }, err
}

func unmountRoot(fd int) error {
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	return errors.Join(unix.Unmount(".", unix.MNT_DETACH), unix.Chdir("/"))
}
