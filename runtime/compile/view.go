// The root filesystem of a container that does not run
//
// Such a container has no root: its layers are in the store, and what it has changed is in a
// directory beside them. To copy files from and to it (minictr cp), they are stacked once
// more, and what the config binds is mounted there. No process becomes a container: all
// steps are the host's, made by one thread.
//
// Rules:
//
//   - The thread has a mount namespace of its own, with private mounts: the host's mount
//     table does not change, and the kernel removes the mounts when the thread exits.
//   - There is no pivot, and the container's files are hostile: each path is opened from
//     @root, and cannot leave it (openat2(2), RESOLVE_IN_ROOT).
//   - Nothing in it is executed, and no device is opened: noexec, nosuid, nodev.
//   - To read, nothing is made: the stack is read-only, and each mount point must exist.
//   - Filesystems of the kernel are left out. A tmpfs is empty, as at the next start.

package compile

import (
	"path"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// View is what the caller of Mount wants to do with the root.
type View struct {
	// Write is false if the root and all mounts are to be read-only.
	Write bool
	// Optional reports whether a mount is left out if its mount point does not exist.
	// Others are an error then (ENOENT) if o.Root is read-only, or get one.
	Optional func(specs.Mount) bool
}

// Mount returns the plan that mounts the root of a container that does not run, from the
// layers of o.Root, as [plan.Root]. The calling thread gets a mount namespace for it.
func Mount(spec *specs.Spec, o Options, v View) (*plan.Plan, error) {
	b := &viewer{newBuilder(spec, o, nil, v.mounts(spec.Mounts)), v}
	return b.compile(b.makeRoot, b.sources, b.unshare, b.attach, b.makeReadOnly)
}

// Root returns the plan that makes the root as [plan.Root], a detached mount, with nothing
// mounted in it. If root.path is in a mount namespace that is joined, the plan is empty.
func Root(spec *specs.Spec, o Options) (*plan.Plan, error) {
	b := newBuilder(spec, o, nil, nil)
	return b.compile(b.makeRoot)
}

// mounts returns the bind mounts and the tmpfs of a config, with the attributes of a view.
func (v View) mounts(list []specs.Mount) (mounts []mount) {
	for i, m := range list {
		dest, memory := destination(m), m.Type == "tmpfs"
		if IsKernelPath(dest) || !memory && !Binds(m) {
			continue
		}
		attr := call.MountAttr{Set: unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID}
		if memory || !v.Write || slices.Contains(m.Options, "ro") || slices.Contains(m.Options, "rro") {
			attr.Set |= unix.MOUNT_ATTR_RDONLY
		}
		opts := mountOpts{bind: !memory, recursive: !memory, tree: attr}
		mounts = append(mounts, mount{Mount: m, mountOpts: opts, index: i, dest: dest})
	}
	return mounts
}

// viewer writes the plan of a view.
type viewer struct {
	*builder
	View
}

// unshare attaches @root where only this thread sees it: a mount is attached to no other
// than one of its mount namespace (move_mount(2), before Linux 6.15).
func (b *viewer) unshare() error {
	b.begin("root", "root")
	b.host("execute nothing of it, and open none of its devices", call.MountSetattr(root, "", false,
		call.MountAttr{Set: unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC}))
	b.host("a mount namespace for this thread: the host's mounts do not change", call.Unshare(unix.CLONE_NEWNS))
	b.host("make all mounts private: none is propagated to the host, nor from it",
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	b.host("attach the root: its mounts need a place in this namespace", call.MoveMountTo(root, "/"))
	return nil
}

// sources makes what is mounted.
func (b *viewer) sources() error {
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		switch {
		case !m.bind:
			b.begin("sources", m.field()+": tmpfs on "+m.Destination)
			makeFilesystem(&b.list, plan.Host, m, b.spec.Linux)
		case !m.inRoot():
			if err := bindSource(&b.list, plan.Host, m, nil, b.spec.Linux); err != nil {
				return err
			}
		}
	}
	return nil
}

// attach puts each mount where it belongs, in the order of the config.
func (b *viewer) attach() error {
	for i := range b.shape.mounts {
		m := &b.shape.mounts[i]
		b.begin("attach", m.field()+": "+m.Destination)
		if err := b.findTarget(m); err != nil {
			return err
		}
		if m.inRoot() && !b.spec.Root.Readonly {
			continue // the root takes the same writes
		}
		if m.inRoot() {
			b.host("the directory itself, as a mount", call.OpenTree(target, "", true).As(mountRef(m.index)))
			bindAttributes(&b.list, plan.Host, m)
		}
		b.host("attach the mount", call.MoveMount(mountRef(m.index), target))
	}
	return nil
}

// findTarget opens the mount point as @target, if it is there or may be made.
func (b *viewer) findTarget(m *mount) error {
	open, made := b.inRoot(m.dest, 0).As(target), !b.shape.options.Root.ReadOnly
	switch {
	case b.Optional(m.Mount) || !made && !m.bind:
		b.host("the mount point; without one this mount is left out", open.Allow(unix.ENOENT))
	case !made:
		b.host("the mount point", open)
	default:
		b.host("the mount point, if it exists", open.Allow(unix.ENOENT))
		if err := b.makeTarget(m); err != nil {
			return err
		}
		b.host("the mount point that was made; a link into /proc may dangle", open.Allow(unix.ENOENT).WhenNot(target))
	}
	return nil
}

func (b *viewer) inRoot(file string, f uint64) plan.Step {
	return call.Openat2(root, file, unix.O_PATH|f, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
}

// makeTarget makes a mount point that does not exist, and its parents, for the container's
// root.
func (b *viewer) makeTarget(m *mount) error {
	const above, made = plan.Ref("above"), plan.Ref("made")
	uid, gid, err := rootIDs(b.spec.Linux)
	if err != nil {
		return err
	}
	for end := 1; end <= len(m.dest); end++ {
		if end < len(m.dest) && m.dest[end] != '/' {
			continue
		}
		dir, name := path.Split(m.dest[:end])
		makeDir := call.Mkdirat(above, name, 0o755).Allow(unix.EEXIST).As(made)
		b.host("its parent directory", b.inRoot(dir, unix.O_DIRECTORY).As(above).WhenNot(target))
		if end == len(m.dest) && m.bind && !m.inRoot() {
			makeDir = makeDir.When(isDirRef(m.index))
		}
		b.host("make it; it may exist", makeDir)
		if makeDir.If != "" {
			b.host("make a file; it may exist",
				call.MakeFile(above, name, 0o644).Allow(unix.EEXIST).As(made).WhenNot(made))
		}
		b.host("give it to the container's root", call.Fchownat(above, name, uid, gid).When(made))
	}
	return nil
}

// makeReadOnly makes read-only what takes no writes, when all mount points in it are made.
func (b *viewer) makeReadOnly() error {
	for i := range b.shape.mounts {
		if m := &b.shape.mounts[i]; m.readOnlyLater() {
			b.begin("attach", m.field()+": "+m.Destination)
			b.host("make it read-only: it is empty until the container runs", setReadOnly(mountRef(m.index), "", false))
		}
	}
	if !b.Write || b.spec.Root.Readonly {
		b.begin("attach", "root.readonly")
		b.host("make the root read-only; mounts in it are not changed", setReadOnly(root, "", false))
	}
	return nil
}
