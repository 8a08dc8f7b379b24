// Core 16 of 28: the place to mount on
//
// A path in the container's root is hostile: the image may have put a symbolic link
// anywhere on it. A program that can make root mount on a path of its choice can leave
// the container; a dozen attacks on container runtimes have worked so.
//
// Rules:
//
//   - After the pivot no link leads out of the root, but for those of procfs: a "magic
//     link" such as /proc/1/cwd leads to what a process has open, by no path at all
//     (proc(5)). Each path is opened with openat2(2), RESOLVE_NO_MAGICLINKS.
//   - What is opened is mounted on by its descriptor. Nothing can be swapped in between.
//   - Below /proc, /sys and /dev no link is followed, and no other path may lead there:
//     what a file in procfs says is believed.

package compile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// isDirRef is a result that is there if the source of mounts[i] is a directory (bind.go).
func isDirRef(i int) plan.Ref { return plan.Ref(fmt.Sprintf("isdir[%d]", i)) }

// makeTarget makes the place to mount on, and its parents, if they are not there. A
// filesystem has its root in a directory; a bind mount may be a file.
func makeTarget(l *list, m *mount) {
	exists := []unix.Errno{unix.EEXIST, unix.EROFS}
	const why = "make the mount point; it may exist"
	makeParents(l, m.dest, exists)
	above, name := openParent(l, m.dest)
	dir := call.Mkdirat(above, name, 0o755).Allow(exists...)
	if m.bind && !m.inRoot() {
		l.container(why, dir.When(isDirRef(m.index)))
		l.container("make the mount point, a file; it may exist",
			call.MakeFile(above, name, 0o644).Allow(exists...).WhenNot(isDirRef(m.index)))
		return
	}
	if m.inheritsMode() {
		dir = dir.As(newTarget)
	}
	l.container(why, dir)
	l.made = append(l.made, m.dest)
}

// makeParents makes the directories above dest, but for those that have just been made:
// the same call twice would only be longer.
func makeParents(l *list, dest string, accept []unix.Errno) {
	var above []string
	for d := path.Dir(dest); d != "/"; d = path.Dir(d) {
		above = append(above, d)
	}
	for _, d := range slices.Backward(above) {
		kernels := isBelow(d, "/proc") || isBelow(d, "/sys") // only the kernel makes directories there
		if !slices.Contains(l.made, d) && !kernels {
			above, name := openParent(l, d)
			l.container("make a parent directory; it may exist", call.Mkdirat(above, name, 0o755).Allow(accept...))
			l.made = append(l.made, d)
		}
	}
}

// openParent opens the directory in which the last name of a path is to be made.
// mkdirat(2) and mknodat(2) would follow every link in a whole path, magic ones too.
func openParent(l *list, file string) (above plan.Ref, name string) {
	dir, name := path.Split(file)
	if dir == "/" {
		return "", file
	}
	above = "above"
	l.container("open the parent directory, through no magic link of /proc",
		call.Openat2("", path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As(above))
	return above, name
}

// forgetBelow forgets the directories below dest that have been made: a mount lies
// over them now.
func (l *list) forgetBelow(dest string) {
	l.made = slices.DeleteFunc(l.made, func(d string) bool { return strings.HasPrefix(d, dest+"/") })
}

const noTarget = "the image has no such path and it could not be made, or a symbolic link there dangles"

// openTarget opens the place as @target.
func openTarget(l *list, dest string) {
	if isKernelPath(dest) {
		l.container("open the mount point; follow no symbolic link",
			call.Openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).As(target).Hint(unix.ENOENT, noTarget))
		return
	}
	l.container("open the mount point; links stay inside the root",
		call.Openat2("", dest, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).As(target).Hint(unix.ENOENT, noTarget))
	l.container("fail if it is on procfs: programs trust files there", checkProcfs(target, true))
}

// isKernelPath reports whether a path is in a filesystem in which no link is followed.
func isKernelPath(path string) bool {
	return isBelow(path, "/proc") || isBelow(path, "/sys") || isBelow(path, "/dev")
}

// isBelow reports whether a path is dir, or in it.
func isBelow(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// checkProcfs fails unless a file is on procfs, or, with not, if it is.
func checkProcfs(file plan.Ref, not bool) plan.Step {
	return call.FstatfsIs(file, unix.PROC_SUPER_MAGIC, "PROC_SUPER_MAGIC", not)
}
