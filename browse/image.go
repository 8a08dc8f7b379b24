package browse

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/minictr/minictr/layers/index"
	"github.com/minictr/minictr/layers/stack"
)

// An Image is what is browsed.
type Image struct {
	Name   string
	Layers []Layer      // lowest first
	Open   stack.Opener // of their blobs

	// An index learns the digest of a file when it is asked for, by whoever compares or
	// describes: one at a time.
	digests sync.Mutex
}

// A Layer is one layer, and the instruction that made it, or "".
type Layer struct {
	*index.Index
	Instruction string
}

// stack returns the stack of the layers 1 to n. The caller holds digests.
func (i *Image) stack(n int) (*stack.Stack, error) {
	var indexes []*index.Index
	for _, l := range i.Layers[:n] {
		indexes = append(indexes, l.Index)
	}
	t, err := stack.New(indexes...)
	if err != nil {
		err = fmt.Errorf("stack layers 1 to %d: %w", n, err)
	}
	return t, err
}

// between are the layers that a comparison compares: the stack of the layers 1 to since
// with that of the layers 1 to n.
type between struct{ since, n int }

// A comparison is the tree of the layers 1 to n, with the changes since a lower one.
type comparison struct {
	between
	root    *node
	removed map[string]stack.Change // by the path
	changed map[*node]bool          // directories with a change below
	sizes   map[*node]int64         // those that have been asked for
	order   map[*node][]*node       // the entries of a directory, largest first
}

// A node is a path of a comparison.
type node = stack.Difference

// compare compares two stacks of the image.
func (i *Image) compare(b between) (*comparison, error) {
	i.digests.Lock()
	defer i.digests.Unlock()
	lower, err := i.stack(b.since)
	if err != nil {
		return nil, err
	}
	upper, err := i.stack(b.n)
	if err != nil {
		return nil, err
	}
	c := &comparison{
		between: b, root: stack.Diff(lower.Root, upper.Root), removed: upper.Removed(b.since),
		changed: make(map[*node]bool), sizes: make(map[*node]int64), order: make(map[*node][]*node),
	}
	c.findChanges(c.root)
	return c, nil
}

// whole returns the stack of all layers.
func (i *Image) whole() (*stack.Stack, error) {
	i.digests.Lock()
	defer i.digests.Unlock()
	return i.stack(len(i.Layers))
}

// findChanges reports whether a path, or one below it, differs.
func (c *comparison) findChanges(d *node) bool {
	below := false
	for _, e := range d.Below {
		below = c.findChanges(e) || below
	}
	if below {
		c.changed[d] = true
	}
	return below || d.Mark != stack.Same
}

// size returns the bytes in the files of a path and below it.
func (c *comparison) size(d *node) int64 {
	size, known := c.sizes[d]
	if !known {
		size = d.Node.Size()
		c.sizes[d] = size
	}
	return size
}

// entries returns the entries of a directory in the order of their names, or largest
// first.
func (c *comparison) entries(d *node, largest bool) []*node {
	if !largest || len(d.Below) < 2 {
		return d.Below
	}
	sorted := c.order[d]
	if sorted == nil {
		sorted = slices.Clone(d.Below)
		slices.SortStableFunc(sorted, func(a, b *node) int { return cmp.Compare(c.size(b), c.size(a)) })
		c.order[d] = sorted
	}
	return sorted
}
