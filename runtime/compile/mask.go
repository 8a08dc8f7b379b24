// Core 19 of 28: masked and read-only paths
//
// Some files in /proc and /sys are not of a namespace but of the whole machine: its
// keys, its memory, its clock. A container should not see or change them (runtime-spec,
// config-linux.md, "Masked Paths", "Readonly Paths").
//
// Nothing is deleted: something is mounted over it. A file is covered by /dev/null, a
// directory by an empty read-only tmpfs. Which of the two a path is, and whether this
// kernel has it at all, is found by opening it: if it is not there, that step has no
// result, and the steps that would use the result are left out.
//
// What forbids later mounts comes last: mounts and the root become read-only, and the
// root is shared, or made unbindable.

package compile

import (
	"fmt"
	"path"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

func (b *builder) maskPaths() error {
	// paths of the config
	for _, paths := range []struct {
		field string
		list  []string
		cover func(l *list, path, label string)
	}{
		{"linux.maskedPaths", b.spec.Linux.MaskedPaths, mask},
		{"linux.readonlyPaths", b.spec.Linux.ReadonlyPaths, makeReadOnly},
	} {
		for i, p := range paths.list {
			b.begin("hide", paths.field)
			if !path.IsAbs(p) {
				return fmt.Errorf("%s[%d]: %q: not an absolute path", paths.field, i, p)
			}
			paths.cover(&b.list, p, b.spec.Linux.MountLabel)
		}
	}

	// mounts in which other places had to be made first
	for i := range b.shape.mounts {
		if m := &b.shape.mounts[i]; m.readOnlyLater() {
			ref := mountRef(i)
			if m.copyUp {
				ref = copyRef(i)
			}
			b.begin("hide", m.field()+": "+m.Destination)
			b.container("read-only, now that all is there that had to be made in it", setReadOnly(ref, "", false))
		}
	}

	// the root
	if b.spec.Root.Readonly {
		b.begin("hide", "root.readonly")
		b.container("the root itself takes no more writes; mounts in it keep their own rules", setReadOnly("", "/", false))
	}
	if b.shape.pivotLater {
		return nil // the pivot is still to come, and shareRoot after it
	}
	return shareRoot(&b.list, b.spec.Linux.RootfsPropagation)
}

func setReadOnly(dir plan.Ref, path string, recursive bool) plan.Step {
	return call.MountSetattr(dir, path, recursive, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY})
}

// find opens a path as held, if it is there. In the kernel's filesystems no link is
// followed. One of the image leads where it leads the container's programs, which would
// find the file by it as well, but not into procfs.
func find(l *list, why, path string, f uint64, held, unless plan.Ref) {
	resolve := uint64(unix.RESOLVE_NO_MAGICLINKS)
	if isKernelPath(path) {
		resolve = unix.RESOLVE_NO_SYMLINKS
	}
	l.container(why, call.Openat2("", path, unix.O_PATH|f, resolve).As(held).WhenNot(unless).
		Allow(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	if !isKernelPath(path) {
		l.container("not on procfs by a detour: what lies there is believed", onProcfs(held, true))
	}
}

// mask covers a directory or a file. label is linux.mountLabel.
func mask(l *list, path, label string) {
	const dir, file, cover, fs = plan.Ref("folder"), plan.Ref("file"), plan.Ref("cover"), plan.Ref("fs")
	const nothing = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC
	find(l, "a folder?", path, unix.O_DIRECTORY, dir, "")
	l.container("an empty folder to put over it", call.Fsopen("tmpfs").When(dir).As(fs))
	contextOption(l, plan.Container, fs, "tmpfs", label)
	l.container("make it", call.Fscreate(fs))
	l.container("read-only", call.Fsmount(fs, nothing).As(cover))
	l.container("what was there is out of sight", call.MoveMount(cover, dir))
	find(l, "or a file?", path, 0, file, dir)
	l.container("another mount of /dev/null", call.OpenTree(null, "", false).When(file).As(cover))
	l.container("the file reads as empty", call.MoveMount(cover, file))
}

// makeReadOnly mounts a path on itself, read-only.
func makeReadOnly(l *list, path, _ string) {
	const place, again = plan.Ref("place"), plan.Ref("again")
	find(l, "is it there?", path, 0, place, "")
	l.container("the same once more, as a mount of its own", call.OpenTree(place, "", true).When(place).As(again))
	l.container("that takes no writes", setReadOnly(again, "", true))
	l.container("over the place it came from", call.MoveMount(again, place))
}
