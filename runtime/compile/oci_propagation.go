package compile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/minictr/minictr/runtime/plan"
	"github.com/minictr/minictr/runtime/plan/call"
	"golang.org/x/sys/unix"
)

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

type propagation struct {
	flag      uint64 // MS_SHARED, …
	recursive bool   // of all mounts below it, too
}

// propagationOf is what a word like "rslave" means.
func propagationOf(word string) (p propagation, ok bool) {
	plain, r := strings.CutPrefix(word, "r")
	if !r {
		plain = word
	}
	switch plain {
	case "private":
		return propagation{unix.MS_PRIVATE, r}, true
	case "slave":
		return propagation{unix.MS_SLAVE, r}, true
	case "shared":
		return propagation{unix.MS_SHARED, r}, true
	case "unbindable":
		return propagation{unix.MS_UNBINDABLE, r}, true
	}
	return propagation{}, false
}

// bound is what becomes of the peers of a tree that is bound, call by call.
func (o *mountOpts) bound() []propagation {
	list := slices.Clone(o.propagation)
	if len(list) == 0 {
		return []propagation{{unix.MS_PRIVATE, true}}
	}
	switch first := &list[0]; first.flag {
	case unix.MS_PRIVATE, unix.MS_SLAVE:
		first.recursive = true
	case unix.MS_UNBINDABLE:
		if !first.recursive && o.recursive {
			list = slices.Insert(list, 0, propagation{unix.MS_PRIVATE, true})
		}
	}
	return list
}

// propagate sets it on the mount that is open as mount.
func (b *builder) propagate(side plan.Side, mount plan.Ref, list []propagation, tree bool) {
	for _, p := range list {
		b.add(side, "mounts below it are passed on or not, as the config says",
			call.MountSetattr(mount, "", p.recursive && tree, call.MountAttr{Propagation: p.flag}))
	}
}

// rootPropagation is linux.rootfsPropagation; private without it.
func (b *builder) rootPropagation() (propagation, error) {
	word := b.linux.RootfsPropagation
	if word == "" {
		return propagation{unix.MS_PRIVATE, true}, nil
	}
	p, ok := propagationOf(word)
	if !ok {
		return p, fmt.Errorf("linux.rootfsPropagation: %q: want shared, slave, private or unbindable", word)
	}
	return p, nil
}

// detachRoot settles what the new root has from the mount it is a copy of. It
// stays a slave if it is to be one; whatever else it is to be, it begins as
// private: shared with itself alone, not with the host.
func (b *builder) detachRoot(side plan.Side) error {
	p, err := b.rootPropagation()
	if err != nil {
		return err
	}
	if p.flag == unix.MS_SLAVE {
		b.from = "linux.rootfsPropagation"
		b.add(side, "what the host mounts below it is seen in the container; not the other way round",
			call.MountSetattr(root, "", true, call.MountAttr{Propagation: unix.MS_SLAVE}))
		return nil
	}
	b.add(side, "mounts below it are this container's alone", call.MountSetattr(root, "", true, call.MountAttr{Propagation: unix.MS_PRIVATE}))
	return nil
}

// shareRoot comes last: pivot_root(2) refuses a root that is shared, and of one
// that is unbindable nothing can be mounted again to be hidden or read-only.
func (b *builder) shareRoot() error {
	p, err := b.rootPropagation()
	if err != nil {
		return err
	}
	b.begin("hide", "linux.rootfsPropagation")
	switch p.flag {
	case unix.MS_SHARED:
		b.container("the root begins a group of its own: a copy of it sees what is mounted here", call.MountSetattr("", "/", p.recursive, call.MountAttr{Propagation: p.flag}))
	case unix.MS_UNBINDABLE:
		b.container("no copy of the root can be mounted elsewhere", call.MountSetattr("", "/", p.recursive, call.MountAttr{Propagation: p.flag}))
	}
	return nil
}
