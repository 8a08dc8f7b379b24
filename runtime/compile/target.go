package compile

import (
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
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
	dir := call.Mkdirat(above, name, 0o755).Allow(exists...)
	if bind && !strings.HasPrefix(b.spec.Mounts[i].Source, RootSource) {
		b.container(why, dir.When(folderRef(i)))
		b.container("a file is mounted on a file", call.MakeFile(above, name, 0o644).Allow(exists...).WhenNot(folderRef(i)))
		return
	}
	if b.takesMode(i) {
		dir = dir.As(newPlace)
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
			b.container("on the way there", call.Mkdirat(above, name, 0o755).Allow(accept...))
			b.made = append(b.made, d)
		}
	}
}

// hold opens the folder in which the last name of a path is to be made. With
// the whole path mkdirat(2) and mknodat(2) would follow every link on the way,
// through a door of /proc even, and make it on the host.
func (b *builder) hold(file string) (above plan.Ref, name string) {
	dir, name := path.Split(file)
	if dir == "/" {
		return "", file
	}
	above = "above"
	b.container("hold the folder above: through no door of /proc", call.Openat2("", path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As(above))
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
		b.container("hold the place; a link here would be a trap", call.Openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).As(target))
		return
	}
	b.container("hold the place; links of the image lead nowhere but into the image", call.Openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).As(target))
	b.container("not on procfs by a detour: what lies there is believed", onProcfs(target, true))
}

// onProcfs goes on if a file is on procfs, or, with not, if it is not.
func onProcfs(file plan.Ref, not bool) plan.Step {
	return isOn(file, "PROC_SUPER_MAGIC", unix.PROC_SUPER_MAGIC, not)
}

// isOn asks what kind of filesystem a file is on.
func isOn(file plan.Ref, name string, magic uint64, not bool) plan.Step {
	const statfsSize = 120 // struct statfs, statfs(2), on 64-bit machines
	text := "{f_type == " + name + "}"
	if not {
		text = "{f_type != " + name + "}"
	}
	s := plan.Syscall("fstatfs", unix.SYS_FSTATFS, file, &plan.Mem{Bytes: make([]byte, statfsSize), Text: text})
	s.Expect = &plan.Expect{Arg: 1, Offset: 0, Mask: call.AllBits, Value: magic, Not: not}
	return s
}
