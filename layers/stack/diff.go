package stack

import "slices"

// A Difference is a path of one of two trees or of both, with all that is below
// it.
type Difference struct {
	Node          *Node // of the second tree; of the first if it is only there
	Mark          Mark
	What          Aspects
	Before, After *Inode
	Below         []*Difference // in the order of their names
}

// Diff compares two trees. One of them may be nil.
func Diff(a, b *Node) *Difference {
	d := &Difference{Node: b, Mark: Same}
	switch {
	case a == nil:
		d.Mark, d.After = Added, b.Inode
	case b == nil:
		d.Node, d.Mark, d.Before = a, Deleted, a.Inode
	default:
		d.Before, d.After = a.Inode, b.Inode
		if d.What = Compare(a.Inode, b.Inode); d.What != 0 {
			d.Mark = Changed
		}
	}
	for _, name := range names(a, b) {
		d.Below = append(d.Below, Diff(a.child(name), b.child(name)))
	}
	return d
}

// Inode returns After, or Before of a deleted path.
func (d *Difference) Inode() *Inode {
	if d.After != nil {
		return d.After
	}
	return d.Before
}

// Above reports whether a layer above since has the path or removes it.
func (d *Difference) Above(since int) bool { return d.Mark == Deleted || d.After.Layer > since }

// Keep removes the paths for which keep returns false, except directories above
// kept ones.
func (d *Difference) Keep(keep func(*Difference) bool) {
	d.Below = slices.DeleteFunc(d.Below, func(c *Difference) bool {
		c.Keep(keep)
		return len(c.Below) == 0 && !keep(c)
	})
}

// Walk visits the path and all below it, each directory before its entries.
func (d *Difference) Walk(visit func(*Difference)) {
	visit(d)
	for _, c := range d.Below {
		c.Walk(visit)
	}
}

func (n *Node) child(name string) *Node {
	if n == nil {
		return nil
	}
	return n.children[name]
}

// names returns the names in either of two directories.
func names(a, b *Node) (all []string) {
	for _, n := range []*Node{a, b} {
		if n != nil {
			for name := range n.children {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Why returns what the layers did to a path, lowest first.
func (s *Stack) Why(path string) (all []Change) {
	for _, c := range s.Changes {
		if c.Node.Path() == path {
			all = append(all, c)
		}
	}
	return all
}

// Removed returns the paths that layers above since removed.
func (s *Stack) Removed(since int) map[string]Change {
	removed := make(map[string]Change)
	for _, c := range s.Changes {
		if c.Mark == Deleted && c.Layer > since {
			removed[c.Node.Path()] = c
		}
	}
	return removed
}
