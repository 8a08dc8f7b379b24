package container

// The volumes of a container are made when it is created, and filled with the files that its
// image has in their place. Its settings, which are saved before, name them: recovery removes
// the anonymous ones of a container whose creation was interrupted.

import (
	"errors"
	"fmt"
	"os"
	goruntime "runtime"

	"github.com/minictr/minictr/container/config"
	"github.com/minictr/minictr/container/volume"
	"github.com/minictr/minictr/images"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/runtime/compile"
	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/walk"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// MakeVolumes makes the volumes that do not exist yet. Until the caller closes the lock that it
// returns, which is nil without volumes, no volume is removed. The caller holds the container's
// lock.
func MakeVolumes(c *Container, spec *specs.Spec) (lock *os.File, err error) {
	if len(c.Settings.Volumes) == 0 {
		return nil, nil
	}
	dir := volume.Dir(c.StoreRoot)
	if lock, err = volume.Lock(dir, lockfile.Shared); err != nil {
		return nil, err
	}
	root := &imageRoot{container: c, spec: spec, fd: -1}
	defer root.close()
	for _, v := range c.Settings.Volumes {
		made, err := volume.Use(dir, volume.New(v.Name, c.Settings.Created, v.Anonymous),
			func(data *os.File) error { return root.fill(data, v) })
		if err != nil {
			lock.Close()
			return nil, fmt.Errorf("make volume %q: %w", v.Name, err)
		}
		if made {
			VolumeEvent(c.StoreRoot, "create", v.Name)
		}
	}
	return lock, nil
}

// imageRoot is the root of a container before its first start: the files of its image. It is
// mounted, for this command alone, when a volume is filled.
type imageRoot struct {
	container *Container
	spec      *specs.Spec
	walk      *walk.Walk
	fd        int
}

func (r *imageRoot) mount() error {
	if r.walk != nil {
		return nil
	}
	store, err := images.Open(r.container.StoreRoot)
	if err != nil {
		return err
	}
	o := CompileOptions(store.Layers(), r.container.Settings.Layers, config.Host{FilesDir: r.container.Dir}, false)
	o.Root.ReadOnly = true
	p, err := compile.Root(r.spec, o)
	if err != nil {
		return err
	}
	done := make(chan error)
	go func() {
		goruntime.LockOSThread() // for good: the plan changes the thread's working directory
		w, err := walk.Host(p, walk.Caller{})
		r.walk = w
		done <- err
	}()
	if err := <-done; err != nil {
		r.walk = nil
		return err
	}
	r.fd, _ = r.walk.Result(plan.Root)
	return nil
}

func (r *imageRoot) close() {
	if r.walk != nil {
		r.walk.Close()
	}
}

// fill gives the files of a new volume to the root user of the container, and copies what the
// image has in its place.
func (r *imageRoot) fill(data *os.File, v config.Volume) error {
	uid, err := compile.HostID(0, r.spec.Linux.UIDMappings)
	if err != nil {
		return err
	}
	gid, err := compile.HostID(0, r.spec.Linux.GIDMappings)
	if err != nil {
		return err
	}
	if err := data.Chown(int(uid), int(gid)); err != nil || v.NoCopy || v.Subpath != "" {
		return err
	}
	if err := r.mount(); err != nil {
		return err
	}
	fd, err := unix.Openat2(r.fd, v.Destination, &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) { // nothing to copy
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %q of the image: %w", v.Destination, err)
	}
	from := os.NewFile(uintptr(fd), v.Destination)
	defer from.Close()
	return volume.Copy(data, from)
}
