// Core 16 of 28: the place to mount on
//
// A path in the container's root is hostile: the image may have a symbolic link anywhere
// on it. If such a link could send a mount to a path outside the root, or over a file of
// /proc that is trusted, the container could be left; such attacks are well known.
//
// Rules:
//
//   - After the pivot no link leads out of the root, but for those of procfs: a "magic
//     link" such as /proc/1/cwd leads straight to a file that a process has open
//     (symlink(7)). Each path is opened with openat2(2), RESOLVE_NO_MAGICLINKS.
//   - A mount is attached to the descriptor that was opened: a path could by then lead
//     to another file.
//   - Below /proc, /sys and /dev no link is followed, and no other path may lead to procfs:
//     programs trust what they read there.

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

// isDirRef names a result that exists if the source of mounts[i] is a directory (bind.go).
func isDirRef(i int) plan.Ref { return plan.Ref(fmt.Sprintf("isdir[%d]", i)) }

// makeTarget makes the mount point and its parents, if they do not exist: a directory, or,
// for a bind mount of a file, an empty file.
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

// makeParents makes the directories above dest, but for those that this plan has made.
func makeParents(l *list, dest string, accept []unix.Errno) {
	var above []string
	for d := path.Dir(dest); d != "/"; d = path.Dir(d) {
		above = append(above, d)
	}
	for _, d := range slices.Backward(above) {
		fixed := isBelow(d, "/proc") || isBelow(d, "/sys") // only the kernel makes directories there
		if !slices.Contains(l.made, d) && !fixed {
			above, name := openParent(l, d)
			l.container("make a parent directory; it may exist", call.Mkdirat(above, name, 0o755).Allow(accept...))
			l.made = append(l.made, d)
		}
	}
}

// openParent opens the directory in which the last name of a path is to be made: given the
// whole path, mkdirat(2) and mknodat(2) would follow magic links. "" is the root.
func openParent(l *list, file string) (above plan.Ref, name string) {
	dir, name := path.Split(file)
	if dir == "/" {
		return "", file
	}
	above = "above"
	l.container("open the parent directory, through no magic link of /proc",
		call.Openat2("", path.Clean(dir), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As(above).
			Hint(unix.ENOTDIR, notDirectory))
	return above, name
}

// forgetBelow removes the directories below dest from made: a mount covers them now.
func (l *list) forgetBelow(dest string) {
	l.made = slices.DeleteFunc(l.made, func(d string) bool { return strings.HasPrefix(d, dest+"/") })
}

const noTarget = "add the path to the image: it cannot be made; no link into /proc, /sys or /dev is followed"

// openTarget opens the mount point as @target.
func openTarget(l *list, dest string) { openInRoot(l, "open the mount point", dest, target) }

// openInRoot opens a path in the container's root as fd.
func openInRoot(l *list, why, path string, fd plan.Ref) {
	if IsKernelPath(path) {
		l.container(why+"; follow no symbolic link",
			call.Openat2("", path, unix.O_PATH, unix.RESOLVE_NO_SYMLINKS).As(fd).Hint(unix.ENOENT, noTarget))
		return
	}
	l.container(why+"; links stay inside the root",
		call.Openat2("", path, unix.O_PATH, unix.RESOLVE_NO_MAGICLINKS).As(fd).Hint(unix.ENOENT, noTarget))
	l.container("fail if it is on procfs: programs trust files there", checkProcfs(fd, true))
}

// IsKernelPath reports whether a path is in a filesystem in which no link is followed.
func IsKernelPath(path string) bool {
	return isBelow(path, "/proc") || isBelow(path, "/sys") || isBelow(path, "/dev")
}

// isBelow reports whether a path is dir, or in it.
func isBelow(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// checkProcfs returns a step that fails unless a file is on procfs, or, with not, if it is.
func checkProcfs(file plan.Ref, not bool) plan.Step {
	return call.FstatfsIs(file, unix.PROC_SUPER_MAGIC, "PROC_SUPER_MAGIC", not)
}
