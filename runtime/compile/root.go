// Core 10 of 28: the root filesystem
//
// A mount shows a filesystem at a directory. Since Linux 5.2 that takes two calls:
// fsmount(2), of a new filesystem, or open_tree(2), of a clone of a mount, returns a
// file descriptor of a detached mount, and move_mount(2) attaches it at a directory. The
// host makes the root filesystem detached; the child attaches it, in its own mount
// namespace. So the host's mount table never shows it, and the kernel frees it when the
// last descriptor is closed, even by SIGKILL.
//
// The root is a directory, or overlayfs: several directories that are shown as one
// (kernel, overlayfs.rst). The lower ones, the image's layers, are only read. What
// the container changes is first copied into the upper one; what it deletes is
// covered there by a "whiteout". The work directory belongs to overlayfs alone.
//
// pivot_root(2) then makes the attached root the child's "/". chroot(2) alone would
// not do: a process with CAP_SYS_CHROOT can leave a chroot, as long as the host's
// root is still attached in its mount namespace.
//
// A mount has a propagation (mount_namespaces(7)): what is mounted below a shared mount
// appears below its copies too, in other mount namespaces; below a private one it does not.
//
// A container may also join an existing mount namespace. Then the root stays detached, so
// that no other process there sees it, and the child enters it with chroot(2). A detached
// root has no parent directory to leave it by (Linux 6.15).

package compile

import (
	"path"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// makeRoot makes the mount, @root.
func (b *builder) makeRoot() error {
	b.begin("root", "root")
	o := b.shape.options.Root
	switch {
	case b.shape.rootInJoined:
		return nil // the child makes it (pivot), in the mount namespace that it joins
	case o == nil:
		return bindRoot(&b.list, plan.Host, b.spec)
	}

	// An option of fsconfig(2) has at most 255 bytes: name the layers by relative paths.
	b.host("give this thread a working directory of its own, for relative names of layers", call.Unshare(unix.CLONE_FS))
	b.host("the directory of the unpacked layers", call.Chdir(o.Dir))
	mapped := b.shape.ns[userNS] != inherited // files have the ids of a user namespace (oci_idmap.go)
	if mapped {
		b.begin("root", "linux.uidMappings")
		createUserns(&b.list, userns, "linux", b.spec.Linux.UIDMappings, b.spec.Linux.GIDMappings)
		b.begin("root", "root")
	}

	// overlayfs
	b.host("create an overlay filesystem, not yet configured", call.Fsopen("overlay").As(overlayFs))
	if mapped {
		if err := mapLayers(&b.list, o, b.spec.Linux); err != nil {
			return err
		}
	} else {
		stackLayers(&b.list, o.lower())
	}
	if !o.ReadOnly {
		b.host("the directory that takes the container's changes",
			call.Fsconfig(overlayFs, "upperdir", path.Join(o.Changes, upper)).Hint(unix.EINVAL, noUpper))
		b.host("a directory that overlayfs needs, on the same filesystem",
			call.Fsconfig(overlayFs, "workdir", path.Join(o.Changes, work)))
	}
	if o.Volatile {
		b.host("do not sync to disk: the changes are removed with the container",
			call.Fsconfig(overlayFs, "volatile", ""))
	}
	b.host("create the filesystem: the directories stacked", call.Fscreate(overlayFs))
	b.host("a detached mount of it", call.Fsmount(overlayFs, 0).As(root))
	return nil
}

// bindRoot makes the directory root.path a mount. side is the process that makes it.
func bindRoot(l *list, side plan.Side, spec *specs.Spec) error {
	l.from = "root.path"
	l.add(side, "the directory that becomes /, as a detached mount", call.OpenTree("", spec.Root.Path, true).As(root))
	return setClonePropagation(l, side, spec.Linux.RootfsPropagation)
}

const manyLayers = "use Linux 6.7, which an image of so many layers needs"

// stackLayers names the lower directories: in one option if they fit in it.
func stackLayers(l *list, lower []string) {
	const maxOption = 255
	if joined := strings.Join(lower, ":"); len(joined) <= maxOption {
		l.host("the image's layers, topmost first: read-only, and shared by all containers",
			call.Fsconfig(overlayFs, "lowerdir", joined))
		return
	}
	for _, dir := range lower {
		l.host("the next lower layer (one by one since Linux 6.7)", call.Fsconfig(overlayFs, "lowerdir+", dir).
			Hint(unix.EINVAL, manyLayers))
	}
}

// pivot makes @root the child's "/" and detaches everything of the host.
func (b *builder) pivot() error {
	b.begin("pivot", "root")
	b.container("no process may read /proc/PID/exe of this one: until execve it is the host's minictr",
		call.PrctlUndumpable())
	if b.shape.rootInJoined {
		if err := bindRoot(&b.list, plan.Container, b.spec); err != nil {
			return err
		}
	}
	if b.shape.sharedMounts {
		b.container("the mount namespace is shared: leave its mounts alone, and enter the detached root",
			call.Fchdir(root))
		b.container("make it the root of this process", call.Chroot("."))
		return nil
	}

	// A new mount namespace begins with copies of the host's mounts, and the shared ones
	// among them are still shared with the host.
	b.container("make all mounts private: none is propagated to the host, nor from it",
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	if b.shape.pivotLater {
		enterRoot(&b.list, b.spec.Root.Path)
		return nil
	}
	b.container("attach the root in this mount namespace: pivot_root requires a mount point",
		call.MoveMountTo(root, "/"))
	b.container("change to the new root", call.Fchdir(root))
	swapRoots(&b.list, &b.shape.options)
	return nil
}

// swapRoots makes the working directory the root. pivot_root(".", ".") mounts the old root
// over the new one (pivot_root(2), "NOTES"), and umount2(2) detaches it.
func swapRoots(l *list, o *Options) {
	if o.NoPivot {
		chrootOnly(l, o.HostProcfs)
		return
	}
	l.container("make the new root /; the old root is mounted over it", call.PivotRoot(".", "."))
	l.container("detach the old root: no path leads to the host now", call.Umount2(".", unix.MNT_DETACH))
}
