package plan

import (
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

func (b *builder) hide() error {
	for _, p := range b.linux.MaskedPaths {
		b.begin("hide", "linux.maskedPaths")
		b.mask(p)
	}
	for _, p := range b.linux.ReadonlyPaths {
		b.begin("hide", "linux.readonlyPaths")
		b.readonly(p)
	}
	b.readonlyRoot()
	return nil
}

func (b *builder) mask(path string) {
	const folder, file, cover, fs = Ref("folder"), Ref("file"), Ref("cover"), Ref("fs")
	b.container("a folder?", openat2("", path, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_SYMLINKS).as(folder).accept(unix.ENOENT, unix.ENOTDIR, unix.EACCES))
	b.container("an empty folder to put over it", fsopen("tmpfs").when(folder).as(fs))
	b.container("make it", fscreate(fs))
	b.container("read-only", fsmount(fs, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC).as(cover))
	b.container("what was there is out of sight", moveMount(cover, folder))
	b.container("or a file?", openat2("", path, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).unless(folder).as(file).accept(unix.ENOENT, unix.EACCES))
	b.container("another mount of /dev/null", openTree(null, "", false).when(file).as(cover))
	b.container("the file reads as empty", moveMount(cover, file))
}

func (b *builder) readonly(path string) {
	const place, again = Ref("place"), Ref("again")
	b.container("is it there?", openat2("", path, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).as(place).accept(unix.ENOENT, unix.EACCES))
	b.container("the same once more, as a mount of its own", openTree(place, "", true).when(place).as(again))
	b.container("that takes no writes", mountSetattr(again, "", true, mountAttr{set: unix.MOUNT_ATTR_RDONLY}))
	b.container("over the place it came from", moveMount(again, place))
}
