// Package stack puts layers on top of one another, as overlayfs would, from
// their indexes alone: nothing is unpacked or mounted, and nobody is root.
//
// A layer says how one tree differs from the tree below. So each layer is made
// a small tree of its own (tree.go), and is then merged into the tree that the
// layers below have made (merge.go): a name that is new is added, one that was
// there is changed, and whiteouts and opaque folders remove. Each of these is
// written down as a Change: what a layer did is what happened while it was
// merged.
//
// The bytes of a file belong to its inode, not to a name. An inode that loses
// its last name, because it was overwritten or removed, is still in the layer
// that brought it, and everybody who gets the image gets it too: it is Hidden.
// So the sizes of all layers are the bytes that the final tree shows and the
// bytes that are hidden, and nothing else.
//
// Layers are numbered from 1, the lowest.
package stack

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/layers/index"
)

// An Inode is what an entry of a layer's tar made, under one or more names.
type Inode struct {
	*index.Entry
	Layer   int
	Ordinal int  // of the entry in the tar, from 0; -1 for an implied folder
	Implied bool // a folder that the tar does not have, but files in it
	Links   int  // names in its layer, as st_nlink in stat(2); upper layers hide some

	names int // that the stack shows
}

// A Node is a name in a tree.
type Node struct {
	Name   string
	Parent *Node // nil for the root
	*Inode

	opaque, whiteout bool // in the tree of a single layer
	children         map[string]*Node
}

// Path is the node's path from the root, which is "/".
func (n *Node) Path() string {
	var names []string
	for ; n.Parent != nil; n = n.Parent {
		names = append(names, n.Name)
	}
	slices.Reverse(names)
	return "/" + strings.Join(names, "/")
}

// Under reports whether the node is somewhere below a folder.
func (n *Node) Under(folder *Node) bool {
	for n = n.Parent; n != nil; n = n.Parent {
		if n == folder {
			return true
		}
	}
	return false
}

// Children are in the order of their names.
func (n *Node) Children() []*Node {
	all := make([]*Node, 0, len(n.children))
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		all = append(all, n.children[name])
	}
	return all
}

// Size is how many bytes the node and all below it hold, each inode once.
func (n *Node) Size() int64 {
	seen, size := make(map[*Inode]bool), int64(0)
	n.walk(func(n *Node) {
		if n.names > 1 && seen[n.Inode] {
			return
		}
		if n.names > 1 {
			seen[n.Inode] = true
		}
		size += n.Inode.Size
	})
	return size
}

// walk visits the node and all below it, in no order.
func (n *Node) walk(visit func(*Node)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}

// A Stack is a tree made of layers.
type Stack struct {
	Root    *Node
	Changes []Change // in order: lower layers first
	Hidden  []Hidden
	Total   int64 // bytes in the files of all layers

	layers    int
	nodesLeft int // nodes that may still be made
}

// maxNodes bounds the memory of a stack.
const maxNodes = 6 << 20

// New stacks layers, lowest first.
func New(indexes ...*index.Index) (*Stack, error) {
	s := empty(maxNodes)
	for i, x := range indexes {
		if err := s.add(x); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	return s, nil
}

func empty(nodes int) *Stack {
	return &Stack{Root: &Node{Inode: implied("", 0)}, nodesLeft: nodes}
}

// add puts a layer on top.
func (s *Stack) add(x *index.Index) error {
	s.layers++
	t := &treeBuilder{stack: s, root: &Node{Inode: implied("", s.layers)}}
	for i := range x.Entries {
		if err := t.add(i, &x.Entries[i]); err != nil {
			return fmt.Errorf("entry %.300q: %w", x.Entries[i].Path, err)
		}
		s.Total += x.Entries[i].Size
	}
	t.root.walk(func(n *Node) {
		if !n.whiteout {
			n.Links = n.names
		}
	})
	if !t.root.Implied {
		s.Root.Inode = t.root.Inode
	}
	s.merge(s.Root, t.root, cause{})
	return nil
}

// Visible is how many bytes the final tree shows.
func (s *Stack) Visible() int64 {
	n := s.Total
	for _, h := range s.Hidden {
		n -= h.Size
	}
	return n
}

// Efficiency is the visible part of all bytes: 1 where nothing is hidden.
func (s *Stack) Efficiency() float64 {
	if s.Total == 0 {
		return 1
	}
	return float64(s.Visible()) / float64(s.Total)
}

// implied is a folder as Unpack makes it where the tar has none: 0755, root's.
func implied(path string, layer int) *Inode {
	return &Inode{Entry: &index.Entry{Path: path, Kind: index.Directory, Mode: 0o755}, Layer: layer, Ordinal: -1, Implied: true, names: 1}
}

func (n *Node) isDir() bool { return n.Inode != nil && n.Kind == index.Directory }

const maxLinks = 40 // as many symbolic links as the kernel follows (path_resolution(7))

// Find looks a path up as a process would that has the tree as its root: links
// are followed, in the last name only if follow says so. It returns nil where
// there is nothing.
func (s *Stack) Find(name string, follow bool) *Node {
	at, rest, links := s.Root, name, maxLinks
	for rest != "" {
		var step string
		step, rest, _ = strings.Cut(strings.TrimLeft(rest, "/"), "/")
		switch step {
		case "", ".":
			continue
		case "..":
			if at.Parent != nil {
				at = at.Parent
			}
			continue
		}
		next := at.children[step]
		if next == nil {
			return nil
		}
		if next.Kind != index.Symlink || strings.Trim(rest, "/") == "" && !follow {
			at = next
			continue
		}
		if links--; links < 0 {
			return nil
		}
		rest = next.Target + "/" + rest
		if path.IsAbs(next.Target) {
			at = s.Root
		}
	}
	return at
}
