package compile

import (
	"path"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// The root filesystem: a stack of layers, or a folder, as a mount that the
// host makes and never attaches. Only its descriptor, @root, crosses over to
// the child, which attaches it in its own mount namespace. So the host's mount
// table never shows it, and nothing is left to unmount when things go wrong.
//
// A container may also live in a mount namespace of others, the host's or one
// that is joined. Then the root stays attached nowhere: the child steps into it
// with chroot(2), and its mounts go onto a tree that nobody else sees. It has no
// parent to climb to, and goes away with the last process in it (Linux 6.15).
//
// overlayfs shows several folders as one (Documentation/filesystems/
// overlayfs.rst). Lower layers are only read. What the container changes is
// copied up into the upper folder first; what it deletes is covered there by
// a "whiteout". The work folder is overlayfs's workbench on the same disk.

// Overlay is a stack of layers.
type Overlay struct {
	// Dir is the folder that relative names in Lower start from. An option of
	// fsconfig(2) holds 255 bytes, too few for the absolute paths of many
	// layers; from there their short names do.
	Dir string
	// Lower are the layers, the topmost first.
	Lower []string
	// Changes is a folder, named as from Dir, with two others: "upper" takes
	// what the container changes, "work" is overlayfs's workbench.
	Changes string
	// Volatile leaves out syncing: right where the upper folder is thrown
	// away with the container.
	Volatile bool
}

const (
	root      = plan.Ref("root")
	overlayFs = plan.Ref("overlay")
	upper     = "upper"
	work      = "work"
	maxOption = 255 // bytes, fsconfig(2)
)

// makeRoot makes the mount.
func (b *builder) makeRoot() error {
	b.begin("root", "root")
	if b.rootOfOthers() {
		return nil // the child makes it, in the namespace that it joins
	}
	if b.options.Root == nil {
		return b.bindRoot(plan.Host)
	}
	o := b.options.Root
	b.host("a working directory for this thread alone, so that short names of layers do", call.Unshare(unix.CLONE_FS))
	b.host("the folder of the unpacked layers", call.Chdir(o.Dir))
	if b.has(specs.UserNamespace) {
		b.idMap()
	}
	b.begin("root", "root")
	b.host("an overlay filesystem, to be configured", call.Fsopen("overlay").As(overlayFs))
	if b.has(specs.UserNamespace) {
		if err := b.mappedLayers(o); err != nil {
			return err
		}
	} else {
		b.layers(o)
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

// bindRoot makes the folder root.path a mount.
func (b *builder) bindRoot(side plan.Side) error {
	b.from = "root.path"
	b.add(side, "the folder that becomes /, as a mount of its own", call.OpenTree("", b.spec.Root.Path, true).As(root))
	return b.detachRoot(side)
}

// rootOfOthers tells whether the root is a folder in a mount namespace that is
// joined: nothing can be mounted on a copy that was made in another one.
func (b *builder) rootOfOthers() bool {
	return b.joins(specs.MountNamespace) && b.options.Root == nil
}

// layers names the folders of the stack.
func (b *builder) layers(o *Overlay) {
	if joined := strings.Join(o.Lower, ":"); len(joined) <= maxOption {
		b.host("the image's layers, topmost first: only read, and shared by all containers", call.Fsconfig(overlayFs, "lowerdir", joined))
	} else {
		for _, l := range o.Lower {
			b.host("the next layer down (one by one: Linux 6.7)", call.Fsconfig(overlayFs, "lowerdir+", l))
		}
	}
}

// pivot makes @root the child's "/" and drops everything of the host.
func (b *builder) pivot() error {
	b.begin("pivot", "root")
	b.container("this process still runs the host's own program: nobody may reach it by /proc/PID/exe, until execve", call.Prctl(unix.PR_SET_DUMPABLE, "PR_SET_DUMPABLE", plan.Named(0, "SUID_DUMP_DISABLE")))
	if b.rootOfOthers() {
		if err := b.bindRoot(plan.Container); err != nil {
			return err
		}
	}
	if b.sharesMounts() {
		b.container("others live in this mount namespace, and nothing changes for them: the root stays a mount that is nowhere", call.Fchdir(root))
		b.container("paths begin here", call.Chroot("."))
		return nil
	}
	b.container("no mount made from here on is seen by the host, nor the host's by us", call.MountSetattr("", "/", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	if b.pivotsLater() {
		b.enterRoot()
		return nil
	}
	b.container("attach the root in this mount namespace: pivot_root wants a place in its tree",
		plan.Syscall("move_mount", unix.SYS_MOVE_MOUNT, root, plan.Str(""), call.At(""), plan.Str("/"), call.Flags(unix.MOVE_MOUNT_F_EMPTY_PATH, call.MoveMountFlags)))
	b.container("step into it", call.Fchdir(root))
	b.swapRoots()
	return nil
}

// swapRoots makes the working directory the root.
func (b *builder) swapRoots() {
	if b.options.NoPivot {
		b.from = "--no-pivot"
		b.container("paths begin here: the host's root stays, where pivot_root is not possible", call.Chroot("."))
		return
	}
	b.container("swap: the new root is /, the host's lies on top of it", call.PivotRoot(".", "."))
	b.container("let go of the host's filesystems: from here on no path leads there", call.Umount2(".", unix.MNT_DETACH))
}

// mounts of kernel filesystems on which a link must never be followed.
func ours(path string) bool {
	for _, dir := range []string{"/proc", "/sys", "/dev"} {
		if path == dir || strings.HasPrefix(path, dir+"/") {
			return true
		}
	}
	return false
}
