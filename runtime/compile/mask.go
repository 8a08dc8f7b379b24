package compile

import (
	"fmt"
	"path"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// What a container should not see or change under /proc and /sys, because it
// speaks of the whole machine and not of its namespaces (runtime-spec,
// config-linux.md, "Masked Paths", "Readonly Paths").
//
// Nothing is deleted; something is mounted over it. A file is covered by
// /dev/null, a folder by an empty read-only tmpfs. Which of the two a path is,
// and whether the kernel has it at all, is asked by opening it: a path that is
// not there is left out, with the calls that would have used it.
//
// Last of all comes what forbids any further furnishing: mounts and the root
// become read-only, and the root is shared, or made unbindable.

func (b *builder) hide() error {
	for i, p := range b.linux.MaskedPaths {
		b.begin("hide", "linux.maskedPaths")
		if !path.IsAbs(p) {
			return fmt.Errorf("linux.maskedPaths[%d]: %q: not an absolute path", i, p)
		}
		b.mask(p)
	}
	for i, p := range b.linux.ReadonlyPaths {
		b.begin("hide", "linux.readonlyPaths")
		if !path.IsAbs(p) {
			return fmt.Errorf("linux.readonlyPaths[%d]: %q: not an absolute path", i, p)
		}
		b.readonly(p)
	}
	b.seal()
	b.readonlyRoot()
	if b.pivotsLater() {
		return nil // the pivot is still to come, and shareRoot after it
	}
	return b.shareRoot()
}

// find opens a path as held, if it is there. A link in the kernel's filesystems is
// a trap; one of the image leads where it leads the container's programs, who
// would find the thing by it as well, but not into procfs.
func (b *builder) find(why, path string, f uint64, held, unless plan.Ref) {
	resolve := uint64(unix.RESOLVE_NO_MAGICLINKS)
	if ours(path) {
		resolve = unix.RESOLVE_NO_SYMLINKS
	}
	b.container(why, call.Openat2("", path, unix.O_PATH|f, resolve).As(held).WhenNot(unless).Allow(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	if !ours(path) {
		b.container("not on procfs by a detour: what lies there is believed", onProcfs(held, true))
	}
}

func (b *builder) mask(path string) {
	const folder, file, cover, fs = plan.Ref("folder"), plan.Ref("file"), plan.Ref("cover"), plan.Ref("fs")
	b.find("a folder?", path, unix.O_DIRECTORY, folder, "")
	b.container("an empty folder to put over it", call.Fsopen("tmpfs").When(folder).As(fs))
	b.contextOption(plan.Container, fs, "tmpfs")
	b.container("make it", call.Fscreate(fs))
	b.container("read-only", call.Fsmount(fs, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC).As(cover))
	b.container("what was there is out of sight", call.MoveMount(cover, folder))
	b.find("or a file?", path, 0, file, folder)
	b.container("another mount of /dev/null", call.OpenTree(null, "", false).When(file).As(cover))
	b.container("the file reads as empty", call.MoveMount(cover, file))
}

func (b *builder) readonly(path string) {
	const place, again = plan.Ref("place"), plan.Ref("again")
	b.find("is it there?", path, 0, place, "")
	b.container("the same once more, as a mount of its own", call.OpenTree(place, "", true).When(place).As(again))
	b.container("that takes no writes", call.MountSetattr(again, "", true, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}))
	b.container("over the place it came from", call.MoveMount(again, place))
}

// sealedLater: in a new tmpfs, and in /dev whatever it is, places for other mounts
// and devices are still to be made. It becomes read-only when they are.
func sealedLater(m specs.Mount, o *mountOpts) bool {
	return o.alone().Set&unix.MOUNT_ATTR_RDONLY != 0 && !o.bind && !o.remount && (m.Type == "tmpfs" || destination(m) == "/dev")
}

func (b *builder) seal() {
	for i, m := range b.spec.Mounts {
		if o, _ := mountOptions(m); sealedLater(m, o) {
			mount := mountRef(i)
			if o.copyUp {
				mount = copyRef(i)
			}
			b.begin("hide", mountField(i)+": "+m.Destination)
			b.container("read-only, now that all is there that had to be made in it", call.MountSetattr(mount, "", false, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}))
		}
	}
}

// readonlyRoot comes when everything that had to be made is made.
func (b *builder) readonlyRoot() {
	if b.spec.Root.Readonly {
		b.begin("hide", "root.readonly")
		b.container("the root itself takes no more writes; mounts in it keep their own rules", call.MountSetattr("", "/", false, call.MountAttr{Set: unix.MOUNT_ATTR_RDONLY}))
	}
}
