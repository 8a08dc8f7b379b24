// Core 19 of 28: masked and read-only paths
//
// Some files in /proc and /sys belong to no namespace but to the whole machine: its keys,
// its memory, its clock. A container should not see or change them (runtime-spec,
// config-linux.md, "Masked Paths", "Readonly Paths").
//
// A masked file is covered by a mount of /dev/null, a directory by an empty read-only
// tmpfs. Which of the two a path is, and whether it exists, the child learns by opening it:
// if it does not exist the step has no result, and the steps that use the result are left
// out.
//
// What would prevent later mounts comes last: mounts and the root become read-only, and
// the root gets its propagation.

package compile

import (
	"fmt"
	"path"
	"slices"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// maskPaths masks paths, and makes paths, mounts and the root read-only.
func (b *builder) maskPaths() error {
	// paths of the config
	for _, paths := range []struct {
		field string
		list  []string
		cover func(l *list, first bool, path, label string)
	}{
		{"linux.maskedPaths", b.spec.Linux.MaskedPaths, mask},
		{"linux.readonlyPaths", b.spec.Linux.ReadonlyPaths, makeReadOnly},
	} {
		for i, p := range paths.list {
			b.begin("mask", paths.field)
			if !path.IsAbs(p) {
				return fmt.Errorf("%s[%d]: %q: not an absolute path", paths.field, i, p)
			}
			if !slices.ContainsFunc(paths.list[:i], func(q string) bool { return path.Clean(q) == path.Clean(p) }) {
				paths.cover(&b.list, i == 0, p, b.spec.Linux.MountLabel)
			}
		}
	}

	// mounts in which mount points had to be made first
	for i := range b.shape.mounts {
		if m := &b.shape.mounts[i]; m.readOnlyLater() {
			ref := mountRef(i)
			if m.copyUp {
				ref = copyRef(i)
			}
			b.begin("mask", m.field()+": "+m.Destination)
			b.container("make it read-only, now that all mount points in it exist", setReadOnly(ref, "", false))
		}
	}

	// the root
	if b.spec.Root.Readonly {
		b.begin("mask", "root.readonly")
		b.container("make the root read-only; mounts in it are not changed", setReadOnly("", "/", false))
	}
	if b.shape.pivotLater {
		return nil // the pivot is still to come, and setRootPropagation after it
	}
	return setRootPropagation(&b.list, b.spec.Linux.RootfsPropagation)
}

func setReadOnly(dir plan.Ref, path string, recursive bool) plan.Step {
	return call.MountSetattr(dir, path, recursive, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
}

// openIfExists opens a path as fd, if it exists and the result unless does not. Below /proc,
// /sys and /dev it follows no link. Elsewhere it follows the links of the image, as the
// container's programs do, but not into procfs.
func openIfExists(l *list, why, path string, f uint64, fd, unless plan.Ref) {
	resolve := uint64(unix.RESOLVE_NO_MAGICLINKS)
	if IsKernelPath(path) {
		resolve = unix.RESOLVE_NO_SYMLINKS
	}
	l.container(why, call.Openat2("", path, unix.O_PATH|f, resolve).As(fd).WhenNot(unless).
		Allow(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	if !IsKernelPath(path) {
		l.container("fail if it is on procfs: programs trust files there", checkProcfs(fd, true))
	}
}

// mask covers a directory or a file. All directories are covered by clones of one mount, @empty,
// which the first of them makes. label is the SELinux label of linux.mountLabel.
func mask(l *list, first bool, path, label string) {
	const dir, file, cover, fs = plan.Ref("dir"), plan.Ref("file"), plan.Ref("cover"), plan.Ref("fs")
	const empty = plan.Ref("empty")
	const nothing = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	openIfExists(l, "open it if it is a directory", path, unix.O_DIRECTORY, dir, "")
	open, mount := call.Fsopen("tmpfs").When(dir).As(fs), call.Fsmount(fs, nothing).As(empty)
	if !first {
		l.container("clone the empty directory that masks another", call.OpenTree(empty, "", false).When(dir).As(cover))
		l.container("mask the directory", call.MoveMount(cover, dir))
		open, mount = open.WhenNot(empty), mount.WhenNot(empty)
	}
	l.container("an empty directory to mount over it, and over others", open)
	contextOption(l, plan.Container, fs, "tmpfs", label)
	l.container("create the filesystem", call.Fscreate(fs))
	l.container("a detached mount of it, read-only", mount)
	l.container("mask the directory", call.MoveMount(empty, dir).When(fs))
	openIfExists(l, "open it if it is a file", path, 0, file, dir)
	l.container("clone the mount of /dev/null", call.OpenTree(null, "", false).When(file).As(cover))
	l.container("mask the file: it reads as empty", call.MoveMount(cover, file))
}

// makeReadOnly mounts a path on itself, read-only.
func makeReadOnly(l *list, _ bool, path, _ string) {
	const place, again = plan.Ref("place"), plan.Ref("again")
	openIfExists(l, "open it if it exists", path, 0, place, "")
	l.container("clone it as a mount", call.OpenTree(place, "", true).When(place).As(again))
	l.container("make the clone read-only", setReadOnly(again, "", true))
	l.container("mount the clone over the original", call.MoveMount(again, place))
}
