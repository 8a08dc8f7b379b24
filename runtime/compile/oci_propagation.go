// Beyond a plain container: propagation of mounts
//
// Propagation: is a mount that is made in one place seen in another?
//
// A copy of a mount, by open_tree(2) or by a new mount namespace, joins the peer
// group of the original if that is shared, and what is then mounted below the one
// is mounted below the other as well (mount_namespaces(7), "Shared subtrees"):
//
//	shared      both ways; of a mount that has no peers it begins a new group
//	slave       from the original to this one, not back
//	private     neither
//	unbindable  private, and it cannot be copied
//
// A container's mounts are private unless its config says otherwise. A word
// without an r is for the mount itself; but of what lies below, private and slave
// take the peers away too, and only shared leaves them as the source has them:
// what is not said to be shared never lets a mount out.

package compile

import (
	"fmt"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

// propagate sets it on the mount that is open as mount.
func propagate(l *list, side plan.Side, mount plan.Ref, list []propagation, tree bool) {
	for _, p := range list {
		l.add(side, "set the propagation of mounts below it",
			call.MountSetattr(mount, "", p.recursive && tree, call.MountAttr{Propagation: p.flag}))
	}
}

// rootPropagation is linux.rootfsPropagation; private without it.
func rootPropagation(word string) (propagation, error) {
	if word == "" {
		return propagation{unix.MS_PRIVATE, true}, nil
	}
	p, ok := propagationOf(word)
	if !ok {
		return p, fmt.Errorf("linux.rootfsPropagation: %q: want shared, slave, private or unbindable", word)
	}
	return p, nil
}

// setClonePropagation settles what the new root has from the mount it is a copy of. It
// stays a slave if it is to be one; whatever else it is to be, it begins as
// private: shared with itself alone, not with the host.
func setClonePropagation(l *list, side plan.Side, word string) error {
	p, err := rootPropagation(word)
	if err != nil {
		return err
	}
	if p.flag == unix.MS_SLAVE {
		l.from = "linux.rootfsPropagation"
		l.add(side, "receive mounts that the host makes below it, and send none",
			call.MountSetattr(root, "", true, call.MountAttr{Propagation: unix.MS_SLAVE}))
		return nil
	}
	l.add(side, "make it private: mounts below it are not propagated",
		call.MountSetattr(root, "", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	return nil
}

// setRootPropagation comes last: pivot_root(2) refuses a root that is shared, and of one
// that is unbindable nothing can be mounted again to be hidden or read-only.
func setRootPropagation(l *list, word string) error {
	p, err := rootPropagation(word)
	if err != nil {
		return err
	}
	l.begin("mask", "linux.rootfsPropagation")
	switch p.flag {
	case unix.MS_SHARED:
		l.container("make the root shared, in a new peer group",
			call.MountSetattr("", "/", p.recursive, call.MountAttr{Propagation: p.flag}))
	case unix.MS_UNBINDABLE:
		l.container("make the root unbindable",
			call.MountSetattr("", "/", p.recursive, call.MountAttr{Propagation: p.flag}))
	}
	return nil
}
