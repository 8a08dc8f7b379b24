// Beyond a plain container: tmpcopyup
//
// With tmpcopyup a new tmpfs at /run begins with what the image has in /run.
//
// Nothing is copied: a copy reads directories, and a list of system calls that is written
// before cannot know what is in them. overlayfs copies in the kernel, each file when it
// is changed: the image's directory below, read-only, and a directory of the tmpfs
// above, so that all changes go there, within its size. What is stacked is the parent of
// /run, and of that stack /run is then taken: so it has the image's owner and mode, too.
// (In a user namespace, where overlayfs records deletions in attributes user.*, a
// directory of the image can be removed since Linux 6.6, when tmpfs got those.)
//
//	/run (tmpfs)         hidden, once the last of these is mounted over it
//	    lower            the image's parent directory, by a mount of its own
//	    upper, work      overlayfs's, as in root.go
//	    stack            lower and upper as one
//	/run                 the "run" in that stack
//
// The kernel stacks overlayfs on overlayfs once, not twice, and an engine's root
// filesystem is one already. So when /run/lock is to be copied up too, what the image has
// there is opened before /run is covered.

package compile

import (
	"path"
	"strconv"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// imageRef is the image's directory in which mounts[i] lies.
func imageRef(i int) plan.Ref { return "image/" + mountRef(i) }

// cloneImageDirs holds what the image has, for mounts[i] and for those in it.
func cloneImageDirs(l *list, mounts []mount, i int) {
	const above = plan.Ref("above")
	for j, m := range mounts {
		if !m.copyUp || outermost(mounts, j) != i {
			continue
		}
		makeParents(l, m.dest, []unix.Errno{unix.EEXIST, unix.EROFS})
		l.container("the image's parent directory",
			call.Openat2("", path.Dir(m.dest), unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_NO_MAGICLINKS).As(above))
		l.container("clone it before a tmpfs covers it", call.OpenTree(above, "", false).As(imageRef(j)))
	}
}

// outermost finds, for mounts[i], the first of the copied ones that lie in one
// another.
func outermost(mounts []mount, i int) int {
	for j := i - 1; j >= 0; j-- {
		if strings.HasPrefix(mounts[i].dest, mounts[j].dest+"/") {
			if mounts[j].copyUp {
				return outermost(mounts, j)
			}
			break
		}
	}
	return i
}

// copyRef is what stands at the place of mounts[i] in the end.
func copyRef(i int) plan.Ref { return "copy/" + mountRef(i) }

// copyUp stacks the tmpfs that was just attached on the image's directory.
func copyUp(l *list, mounts []mount, i int, user nsMode) {
	const lower, stack, view = plan.Ref("lower"), plan.Ref("stack"), plan.Ref("view")
	m := &mounts[i]
	tmpfs, name := mountRef(i), path.Base(m.dest)
	for _, part := range []string{string(lower), upper, work, string(stack)} {
		l.container("make a directory for the overlay", call.Mkdirat(tmpfs, part, 0o755))
	}
	l.container("change to the tmpfs: overlayfs takes relative names", call.Fchdir(tmpfs))
	l.container("open the mount point of the image's directory",
		call.Openat(tmpfs, string(lower), unix.O_PATH|unix.O_DIRECTORY).As(lower))
	l.container("attach the image's directory", call.MoveMount(imageRef(i), lower))
	stackUp(l, m.topAttributes().Set&^unix.MOUNT_ATTR_RDONLY, user)
	if outermost(mounts, i) != i {
		l.container("make the directory; it may exist", call.Mkdirat(stack, name, 0o755).Allow(unix.EEXIST))
	}
	l.container("open the directory in the overlay",
		call.Openat2(stack, name, unix.O_PATH|unix.O_DIRECTORY, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS).As(view))
	copyOwner(l, stack, name, m.data)
	l.container("clone it as a mount", call.OpenTree(view, "", false).As(copyRef(i)))
	propagate(l, plan.Container, copyRef(i), m.propagation, false)
	l.container("detach the overlay, which is not needed any more", call.Umount2(string(stack), unix.MNT_DETACH))
	l.container("detach the image's directory, which overlayfs holds", call.Umount2(string(lower), unix.MNT_DETACH))
	l.container("mount it over the tmpfs: the image's files, with changes in memory", call.MoveMount(copyRef(i), tmpfs))
	l.container("change back to the root", call.Chdir("/"))
}

const notStackable = "the filesystem of the image's directory cannot be an overlay's layer: leave out tmpcopyup"

// stackUp mounts lower and upper as @stack, in the working directory.
func stackUp(l *list, attributes uint64, user nsMode) {
	const stack, place = plan.Ref("stack"), plan.Ref("place")
	l.container("create an overlay filesystem, not yet configured", call.Fsopen("overlay").As(overlayFs))
	l.container("the image's directory: read-only", call.Fsconfig(overlayFs, "lowerdir", "lower").Hint(0, notStackable))
	l.container("the directory that takes changes, in the tmpfs",
		call.Fsconfig(overlayFs, "upperdir", upper).Hint(0, notStackable))
	l.container("a directory that overlayfs needs", call.Fsconfig(overlayFs, "workdir", work))
	if user != inherited {
		l.container("store attributes as user.*: a user namespace may not set trusted.*",
			call.Fsconfig(overlayFs, "userxattr", ""))
	}
	l.container("create the filesystem: the directories stacked", call.Fscreate(overlayFs).Hint(0, notStackable))
	l.container("a detached mount of it", call.Fsmount(overlayFs, attributes).As(stack))
	l.container("open its mount point", call.Openat("", string(stack), unix.O_PATH|unix.O_DIRECTORY).As(place))
	l.container("attach it: only an attached mount can be cloned in part", call.MoveMount(stack, place))
}

// copyOwner sets the owner and mode that the config has for the tmpfs.
func copyOwner(l *list, stack plan.Ref, name string, options []string) {
	uid, gid := ^uint32(0), ^uint32(0) // fchownat(2): leave as it is
	for _, d := range options {
		key, value, _ := strings.Cut(d, "=")
		mode, octalErr := strconv.ParseUint(value, 8, 12)
		id, decimalErr := strconv.ParseUint(value, 10, 32)
		switch {
		case key == "mode" && octalErr == nil:
			l.container("set the mode that the config asks for", call.Fchmodat(stack, name, uint32(mode)))
		case key == "uid" && decimalErr == nil:
			uid = uint32(id)
		case key == "gid" && decimalErr == nil:
			gid = uint32(id)
		}
	}
	if uid&gid != ^uint32(0) {
		l.container("set the owner that the config asks for", call.Fchownat(stack, name, uid, gid))
	}
}
