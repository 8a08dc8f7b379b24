package stack

// The tree of a layer is merged into the tree of the layers below by the rules of
// overlayfs (the kernel's Documentation/filesystems/overlayfs.rst):
//
//   - Two directories of one path are merged; owner, mode and time are those of the
//     upper one. If that is opaque, nothing of the lower one stays.
//   - Otherwise the upper file hides the lower one, with all that is below it.
//   - A whiteout deletes.

import (
	"maps"
	"strings"

	"github.com/minictr/minictr/layers/index"
)

// A Mark is what happened to a path, in the letters of docker diff.
type Mark byte

const (
	Added   Mark = 'A'
	Changed Mark = 'C'
	Deleted Mark = 'D'
	Same    Mark = ' '
)

// How a name or an inode was hidden.
type How string

const (
	Overwritten How = "overwritten" // by another file of that name
	Whiteout    How = "whiteout"    // of its name, or of a directory above it
	Opaque      How = "opaque"      // a directory above it is opaque
	Replaced    How = "replaced"    // a directory above it is now another kind of file
)

// A Change is what a layer did to a path.
type Change struct {
	Layer  int
	Node   *Node // has the path
	Mark   Mark
	What   Aspects // that differ; none for a file that was rewritten unchanged
	Before *Inode  // nil for Added
	After  *Inode  // nil for Deleted
	How    How     // of Deleted
	By     *Node   // the whiteout, opaque directory or file that deleted it
}

// Hidden is an inode that the final tree does not have.
type Hidden struct {
	*Inode
	Node  *Node // the last name it had
	Layer int   // that hid it; Inode.Layer added it
	How   How
	By    *Node
}

// A cause is why names are deleted.
type cause struct {
	how How
	by  *Node
}

// merge merges the directory upper into lower. Under is why the names that upper
// does not have are deleted, if they are.
func (s *Stack) merge(lower, upper *Node, under cause) {
	if upper.opaque {
		under = cause{Opaque, upper}
	}
	if under.how != "" {
		for _, c := range lower.Children() {
			if upper.children[c.Name] == nil {
				s.drop(c, under)
			}
		}
	}
	for _, c := range upper.Children() {
		s.place(lower, c, under)
	}
}

// place adds a name of the upper tree to a directory of the lower one.
func (s *Stack) place(dir, up *Node, under cause) {
	old := dir.children[up.Name]
	switch {
	case up.whiteout && old == nil:
		s.record(Change{Node: up, Mark: Deleted, How: Whiteout, By: up})
	case up.whiteout:
		s.drop(old, cause{Whiteout, up})
	case old == nil:
		s.attach(dir, up, Change{Node: up, Mark: Added, After: up.Inode})
	case old.isDir() && up.isDir():
		before := old.Inode
		old.Inode = up.Inode
		if what := Compare(before, up.Inode); what != 0 {
			s.record(Change{Node: old, Mark: Changed, What: what, Before: before, After: up.Inode})
		}
		s.merge(old, up, under)
	default:
		what := Compare(old.Inode, up.Inode)
		change := Change{Node: up, Mark: Changed, What: what, Before: old.Inode, After: up.Inode}
		for _, c := range old.Children() {
			s.drop(c, cause{Replaced, up})
		}
		s.release(old, cause{Overwritten, up})
		s.attach(dir, up, change)
	}
}

// attach moves a node of the upper tree to the lower one, with all below it.
func (s *Stack) attach(dir, up *Node, change Change) {
	if dir.children == nil {
		dir.children = make(map[string]*Node)
	}
	dir.children[up.Name] = up
	up.Parent = dir
	s.record(change)
	below := up.Children()
	up.children = nil
	for _, c := range below {
		s.place(up, c, cause{})
	}
}

// drop deletes a name and all below it.
func (s *Stack) drop(n *Node, why cause) {
	s.record(Change{Node: n, Mark: Deleted, Before: n.Inode, How: why.how, By: why.by})
	for _, c := range n.Children() {
		s.drop(c, why)
	}
	delete(n.Parent.children, n.Name)
	s.release(n, why)
}

// forget releases the names that a later entry of the same layer overwrote.
func (s *Stack) forget(n *Node, why cause) {
	n.walk(func(n *Node) { s.release(n, why) })
}

// release removes a name of an inode. Without names, the inode is hidden.
func (s *Stack) release(n *Node, why cause) {
	if n.whiteout {
		return
	}
	if n.names--; n.names > 0 || n.Kind == index.Directory {
		return
	}
	s.Hidden = append(s.Hidden, Hidden{Inode: n.Inode, Node: n, Layer: s.layers, How: why.how, By: why.by})
}

func (s *Stack) record(c Change) {
	c.Layer = s.layers
	s.Changes = append(s.Changes, c)
}

// Aspects are the ways in which two inodes differ.
type Aspects uint8

const (
	Type Aspects = 1 << iota
	Content
	Mode
	Owner
	Time
	Xattr
)

var aspects = [...]string{"type", "content", "mode", "owner", "time", "xattr"}

// Names returns the names of the aspects.
func (a Aspects) Names() []string {
	names := []string{}
	for i, name := range aspects {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func (a Aspects) String() string { return strings.Join(a.Names(), " ") }

// Compare returns the aspects in which b differs from a. The contents of files
// without a digest are taken to differ if their size or time does.
func Compare(a, b *Inode) (what Aspects) {
	set := func(differs bool, aspect Aspects) {
		if differs {
			what |= aspect
		}
	}
	implied := a.Implied || b.Implied
	set(a.Kind != b.Kind, Type)
	set(a.Kind == b.Kind && contentDiffers(a, b), Content)
	set(a.Mode != b.Mode && (a.Kind != index.Symlink || b.Kind != index.Symlink), Mode)
	set(a.UID != b.UID || a.GID != b.GID, Owner)
	set(!implied && !a.Entry.Time.Equal(b.Entry.Time), Time)
	set(!maps.Equal(a.Xattrs, b.Xattrs), Xattr)
	return what
}

func contentDiffers(a, b *Inode) bool {
	if a.Size != b.Size || a.Target != b.Target || a.Major != b.Major || a.Minor != b.Minor {
		return true
	}
	if a.Kind != index.File {
		return false
	}
	sumA, knownA := a.Digest()
	sumB, knownB := b.Digest()
	if !knownA || !knownB {
		return !a.Entry.Time.Equal(b.Entry.Time)
	}
	return sumA != sumB
}
