// Beyond a plain container: a symbolic link in place of a bind mount
//
// With crun's option copy-symlink a bind mount whose source is a symbolic link is no mount:
// the link is copied to the destination, where it points to a file of the container.

package compile

import (
	"slices"

	"github.com/minictr/minictr/runtime/plan/call"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const copySymlink = "copy-symlink"

// CopiesLink reports whether a mount copies its source if that is a symbolic link.
func CopiesLink(m specs.Mount) bool { return slices.Contains(m.Options, copySymlink) }

// setLinks sets the kind of mounts whose source is a symbolic link (Options.CopiedLinks).
func setLinks(mounts []mount, links map[int]string) {
	for i := range mounts { // none, in a plan for a container that runs
		if link, ok := links[i]; ok {
			mounts[i].kind, mounts[i].link = linkCopy, link
		}
	}
}

// copyLink makes a symbolic link at the destination of a mount.
func copyLink(l *list, m *mount) {
	if m.link == "" { // it is there
		return
	}
	makeParents(l, m.dest, []unix.Errno{unix.EEXIST, unix.EROFS})
	above, name := openParent(l, m.dest)
	l.container("copy the symbolic link: nothing is mounted", call.Symlinkat(m.link, above, name).
		Hint(unix.EEXIST, "remove the file from the image, or leave out the option copy-symlink"))
}
