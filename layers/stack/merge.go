package stack

// Merging a layer's tree into the tree of the layers below, the rules of
// overlayfs (kernel's Documentation/filesystems/overlayfs.rst):
//
//   - Where both have a folder, it is merged; owner, mode and time are the
//     upper's. In an opaque one nothing of the lower stays.
//   - Else what the upper has covers the lower, with all that is below it.
//   - A whiteout removes.

import (
	"strings"

	"github.com/minictr/minictr/layers/index"
)

// Mark is what happened to a path, spelled as docker diff spells it.
type Mark byte

const (
	Added   Mark = 'A'
	Changed Mark = 'C'
	Deleted Mark = 'D'
	Same    Mark = ' '
)

// How a name or an inode went out of sight.
type How string

const (
	Overwritten How = "overwritten" // another is there now
	Whiteout    How = "whiteout"    // by name, or a folder above it
	Opaque      How = "opaque"      // a folder above it was emptied
	Replaced    How = "replaced"    // the folder it was in is a file now
)

// A Change is what a layer did to a path.
type Change struct {
	Layer  int
	Node   *Node // says the path
	Mark   Mark
	What   Aspects // of a change; none for a file written again as it was
	Before *Inode  // nil for what was not there
	After  *Inode  // nil for what is gone
	How    How     // of what is gone
	By     *Node   // whose whiteout, opaque mark or file did that
}

// Hidden is an inode that the final tree does not show.
type Hidden struct {
	*Inode
	Node  *Node // the last name it had
	Layer int   // that hid it; the inode's own is Inode.Layer
	How   How
	By    *Node
}

// cause is why names go.
type cause struct {
	how How
	by  *Node
}

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

// place puts a name of the upper tree into the lower folder.
func (s *Stack) place(folder, up *Node, under cause) {
	old := folder.children[up.Name]
	switch {
	case up.whiteout && old == nil:
		s.record(Change{Node: up, Mark: Deleted, How: Whiteout, By: up})
	case up.whiteout:
		s.drop(old, cause{Whiteout, up})
	case old == nil:
		s.attach(folder, up, Change{Node: up, Mark: Added, After: up.Inode})
	case old.isDir() && up.isDir():
		before := old.Inode
		old.Inode = up.Inode
		if what := Compare(before, up.Inode); what != 0 {
			s.record(Change{Node: old, Mark: Changed, What: what, Before: before, After: up.Inode})
		}
		s.merge(old, up, under)
	default:
		told := Change{Node: up, Mark: Changed, What: Compare(old.Inode, up.Inode), Before: old.Inode, After: up.Inode}
		for _, c := range old.Children() {
			s.drop(c, cause{Replaced, up})
		}
		s.release(old, cause{Overwritten, up})
		s.attach(folder, up, told)
	}
}

// attach moves a node of the upper tree over, and then what is below it.
func (s *Stack) attach(folder, up *Node, told Change) {
	if folder.children == nil {
		folder.children = make(map[string]*Node)
	}
	folder.children[up.Name] = up
	up.Parent = folder
	s.record(told)
	below := up.Children()
	up.children = nil
	for _, c := range below {
		s.place(up, c, cause{})
	}
}

// drop removes a name and all that is below it.
func (s *Stack) drop(n *Node, why cause) {
	s.record(Change{Node: n, Mark: Deleted, Before: n.Inode, How: why.how, By: why.by})
	for _, c := range n.Children() {
		s.drop(c, why)
	}
	delete(n.Parent.children, n.Name)
	s.release(n, why)
}

// forget takes names away that an entry of the same layer has overwritten.
func (s *Stack) forget(n *Node, why cause) {
	n.walk(func(n *Node) { s.release(n, why) })
}

// release takes a name from its inode.
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

// Aspects are in what two inodes differ.
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

// Names returns the aspects' names.
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

// Compare tells in what b differs from a. The content of a file without a
// digest is taken to differ if its size or time does.
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
	set(!sameXattrs(a.Xattrs, b.Xattrs), Xattr)
	return what
}

func contentDiffers(a, b *Inode) bool {
	if a.Kind == index.File && (a.Sum == [len(a.Sum)]byte{} || b.Sum == [len(b.Sum)]byte{}) {
		return a.Size != b.Size || !a.Entry.Time.Equal(b.Entry.Time)
	}
	return a.Size != b.Size || a.Sum != b.Sum || a.Target != b.Target || a.Major != b.Major || a.Minor != b.Minor
}

func sameXattrs(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		if other, ok := b[name]; !ok || other != value {
			return false
		}
	}
	return true
}
