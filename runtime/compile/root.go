// Core 10 of 28: the root filesystem
//
// A mount shows a filesystem at a directory. Since Linux 5.2 the two halves of that
// are calls of their own: fsmount(2) and open_tree(2) return a mount that is attached
// nowhere, as a file descriptor, and move_mount(2) attaches it. The host makes the
// root filesystem so and never attaches it; the child does, in its own mount
// namespace. The host's mount table never shows it, and when the last descriptor is
// closed, by kill -9 even, the kernel frees it.
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
// A container may also live in a mount namespace of others. Then the root stays
// unattached: the child enters it with chroot(2). It has no parent directory to climb
// to, and its mounts are seen by no one else (Linux 6.15).

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
	case b.shape.rootOfOthers:
		return nil // nothing can be mounted on a copy made in another namespace: the child makes it
	case o == nil:
		return bindRoot(&b.list, plan.Host, b.spec)
	}

	// options of fsconfig(2) are short: name the layers as from here
	b.host("a working directory for this thread alone, so that short names of layers do", call.Unshare(unix.CLONE_FS))
	b.host("the folder of the unpacked layers", call.Chdir(o.Dir))
	mapped := b.shape.ns[userNS] != inherited
	if mapped {
		b.begin("root", "linux.uidMappings")
		createUserns(&b.list, userns, "linux", b.spec.Linux.UIDMappings, b.spec.Linux.GIDMappings)
		b.begin("root", "root")
	}

	// the stack
	b.host("an overlay filesystem, to be configured", call.Fsopen("overlay").As(overlayFs))
	if mapped {
		if err := mapLayers(&b.list, o, b.spec.Linux); err != nil {
			return err
		}
	} else {
		stackLayers(&b.list, o.Lower)
	}
	b.host("what the container changes goes here", call.Fsconfig(overlayFs, "upperdir", path.Join(o.Changes, upper)))
	b.host("overlayfs's workbench, on the same disk", call.Fsconfig(overlayFs, "workdir", path.Join(o.Changes, work)))
	if o.Volatile {
		b.host("no syncing to disk: the changes are thrown away at the end", call.Fsconfig(overlayFs, "volatile", ""))
	}
	b.host("stack them", call.Fscreate(overlayFs))
	b.host("as a mount that is attached nowhere", call.Fsmount(overlayFs, 0).As(root))
	return nil
}

// bindRoot makes the directory root.path a mount. side is the process that makes it.
func bindRoot(l *list, side plan.Side, spec *specs.Spec) error {
	l.from = "root.path"
	l.add(side, "the folder that becomes /, as a mount of its own", call.OpenTree("", spec.Root.Path, true).As(root))
	return detachRoot(l, side, spec.Linux.RootfsPropagation)
}

// stackLayers names the lower directories. One option holds at most 255 bytes
// (fsconfig(2)).
func stackLayers(l *list, lower []string) {
	const maxOption = 255
	if joined := strings.Join(lower, ":"); len(joined) <= maxOption {
		l.host("the image's layers, topmost first: only read, and shared by all containers",
			call.Fsconfig(overlayFs, "lowerdir", joined))
		return
	}
	for _, dir := range lower {
		l.host("the next layer down (one by one: Linux 6.7)", call.Fsconfig(overlayFs, "lowerdir+", dir))
	}
}

// pivot makes @root the child's "/" and detaches everything of the host.
func (b *builder) pivot() error {
	b.begin("pivot", "root")
	b.container("this process still runs the host's own program: nobody may reach it by /proc/PID/exe, until execve",
		call.PrctlUndumpable())
	if b.shape.rootOfOthers {
		if err := bindRoot(&b.list, plan.Container, b.spec); err != nil {
			return err
		}
	}
	if b.shape.sharedMounts {
		b.container("others live in this mount namespace, and nothing changes for them: the root stays a mount that is nowhere",
			call.Fchdir(root))
		b.container("paths begin here", call.Chroot("."))
		return nil
	}

	// A new mount namespace begins as a copy of the host's, in which mounts still are
	// passed on both ways.
	b.container("no mount made from here on is seen by the host, nor the host's by us",
		call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	if b.shape.pivotLater {
		enterRoot(&b.list, b.spec.Root.Path)
		return nil
	}
	b.container("attach the root in this mount namespace: pivot_root wants a place in its tree", call.MoveMountTo(root, "/"))
	b.container("step into it", call.Fchdir(root))
	swapRoots(&b.list, b.shape.options.NoPivot)
	return nil
}

// swapRoots makes the working directory the root. pivot_root(".", ".") mounts the old
// root over the new one (pivot_root(2), "NOTES"): the umount2 that follows detaches it.
func swapRoots(l *list, noPivot bool) {
	if noPivot {
		l.from = "--no-pivot"
		l.container("paths begin here: the host's root stays, where pivot_root is not possible", call.Chroot("."))
		return
	}
	l.container("swap: the new root is /, the host's lies on top of it", call.PivotRoot(".", "."))
	l.container("let go of the host's filesystems: from here on no path leads there", call.Umount2(".", unix.MNT_DETACH))
}
