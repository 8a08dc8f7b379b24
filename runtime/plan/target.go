package plan

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// The place for a mount: made if it is not there, and held by a descriptor that is
// mounted on. What leads there is the image's, which may have put a link wherever
// it likes. After the pivot none leads out of the container's root but the doors of
// /proc (proc(5), "magic links"), and through those nothing here goes.

// makeTarget makes the place to mount on, and its parents, if they are not
// there. A filesystem has its root in a folder; a bind mount may be a file.
func (b *builder) makeTarget(i int, dest string, bind bool) {
	exists := []unix.Errno{unix.EEXIST, unix.EROFS}
	const why = "a place to mount on; there already is good too"
	b.parents(dest, exists)
	above, name := b.hold(dest)
	dir := mkdirat(above, name, 0o755).accept(exists...)
	if bind && !strings.HasPrefix(b.spec.Mounts[i].Source, RootSource) {
		b.container(why, dir.when(folderRef(i)))
		b.container("a file is mounted on a file", makeFile(above, name, 0o644).accept(exists...).unless(folderRef(i)))
		return
	}
	if b.takesMode(i) {
		dir = dir.as(newPlace)
	}
	b.container(why, dir)
	b.made = append(b.made, dest)
}

// parents makes the folders above dest, but for those that have just been
// made: the same call twice tells a reader nothing.
func (b *builder) parents(dest string, accept []unix.Errno) {
	var above []string
	for d := path.Dir(dest); d != "/"; d = path.Dir(d) {
		above = append(above, d)
	}
	for _, d := range slices.Backward(above) {
		if !slices.Contains(b.made, d) && !kernelFolder(d) {
			above, name := b.hold(d)
			b.container("on the way there", mkdirat(above, name, 0o755).accept(accept...))
			b.made = append(b.made, d)
		}
	}
}

// hold opens the folder in which the last name of a path is to be made. With
// the whole path mkdirat(2) and mknodat(2) would follow every link on the way,
// through a door of /proc even, and make it on the host.
func (b *builder) hold(file string) (above Ref, name string) {
	dir, name := path.Split(file)
	if dir == "/" {
		return "", file
	}
	above = "above"
	b.container("hold the folder above: through no door of /proc", openat2("", path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).as(above))
	return above, name
}

// covered forgets the folders below dest that have been made: a mount lies
// over them now.
func (b *builder) covered(dest string) {
	b.made = slices.DeleteFunc(b.made, func(d string) bool { return strings.HasPrefix(d, dest+"/") })
}

// kernelFolder: folders in proc and sysfs are made by the kernel alone.
func kernelFolder(dir string) bool {
	return dir == "/proc" || dir == "/sys" || strings.HasPrefix(dir, "/proc/") || strings.HasPrefix(dir, "/sys/")
}

// openTarget opens the place as @target. After the pivot no link leads out of
// the root; inside, links under /proc, /sys and /dev are refused altogether,
// and elsewhere one must not lead into procfs, where a fake file would be
// believed.
func (b *builder) openTarget(dest string) {
	if ours(dest) {
		b.container("hold the place; a link here would be a trap", openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).as(target))
		return
	}
	b.container("hold the place; links of the image lead nowhere but into the image", openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).as(target))
	b.container("not on procfs by a detour: what lies there is believed", onProcfs(target, true))
}

// onProcfs goes on if a file is on procfs, or, with not, if it is not.
func onProcfs(file Ref, not bool) Step {
	return isOn(file, "PROC_SUPER_MAGIC", unix.PROC_SUPER_MAGIC, not)
}

// isOn asks what kind of filesystem a file is on.
func isOn(file Ref, name string, magic uint64, not bool) Step {
	const statfsSize = 120 // struct statfs, statfs(2), on 64-bit machines
	text := "{f_type == " + name + "}"
	if not {
		text = "{f_type != " + name + "}"
	}
	s := call("fstatfs", unix.SYS_FSTATFS, file, &Mem{Bytes: make([]byte, statfsSize), Text: text})
	s.Expect = &Expect{Arg: 1, Offset: 0, Mask: allBits, Value: magic, Not: not}
	return s
}
