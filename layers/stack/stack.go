package stack

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/layers/index"
)

// An Inode is a file of any type that a layer has, under one or more names.
type Inode struct {
	*index.Entry
	Layer   int
	Ordinal int  // of its entry in the index, from 0; -1 for an implied directory
	Implied bool // a directory without an entry, which has files with one
	Links   int  // names in its layer (st_nlink of stat(2)); upper layers may hide some

	names int // visible in the stack
}

// A Node is a name in a tree.
type Node struct {
	Name   string
	Parent *Node // nil for the root
	*Inode

	opaque, whiteout bool // in the tree of a single layer
	children         map[string]*Node
}

// Path returns the absolute path of the node. The path of the root is "/".
func (n *Node) Path() string {
	var names []string
	for ; n.Parent != nil; n = n.Parent {
		names = append(names, n.Name)
	}
	slices.Reverse(names)
	return "/" + strings.Join(names, "/")
}

// Under reports whether dir is a parent of the node, at any level.
func (n *Node) Under(dir *Node) bool {
	for n = n.Parent; n != nil; n = n.Parent {
		if n == dir {
			return true
		}
	}
	return false
}

// Children returns the entries of a directory, in the order of their names.
func (n *Node) Children() []*Node {
	all := make([]*Node, 0, len(n.children))
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		all = append(all, n.children[name])
	}
	return all
}

// Size returns the bytes in the files of the node and all below it. An inode
// counts once.
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

// walk visits the node and all below it, in no particular order.
func (n *Node) walk(visit func(*Node)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}

// A Stack is the tree of several layers.
type Stack struct {
	Root    *Node
	Changes []Change // of all layers, lowest first
	Hidden  []Hidden
	Total   int64 // bytes in the files of all layers

	layers    int
	nodesLeft int // that may still be made
}

// maxNodes limits the memory of a stack: "a/a/a…" makes a node of two bytes.
const maxNodes = 6 << 20

// New stacks layers, lowest first. It returns an error for a layer that cannot be
// unpacked, and for more names than any image may have.
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

// add adds a layer on top.
func (s *Stack) add(x *index.Index) error {
	// the tree of the layer
	s.layers++
	t := &treeBuilder{s, &Node{Inode: implied("", s.layers)}, make(map[string]*Inode)}
	for i := range x.Entries {
		if err := t.add(i, &x.Entries[i]); err != nil {
			return fmt.Errorf("entry %.300q: %w", x.Entries[i].Path, err)
		}
		s.Total += x.Entries[i].Size
	}
	// its link counts, before merging hides names
	t.root.walk(func(n *Node) {
		if !n.whiteout {
			n.Links = n.names
		}
	})
	// merge it into the stack
	if !t.root.Implied {
		s.Root.Inode = t.root.Inode
	}
	s.merge(s.Root, t.root, cause{})
	return nil
}

// Visible returns the bytes in the files of the final tree.
func (s *Stack) Visible() int64 {
	n := s.Total
	for _, h := range s.Hidden {
		n -= h.Size
	}
	return n
}

// Efficiency returns the visible share of all bytes: 1 if nothing is hidden.
func (s *Stack) Efficiency() float64 {
	if s.Total == 0 {
		return 1
	}
	return float64(s.Visible()) / float64(s.Total)
}

// implied returns a directory without an entry, as layers.Unpack makes it: mode
// 0755, owner root.
func implied(path string, layer int) *Inode {
	e := &index.Entry{Path: path, Kind: index.Directory, Mode: 0o755}
	return &Inode{Entry: e, Layer: layer, Ordinal: -1, Implied: true, names: 1}
}

func (n *Node) isDir() bool { return n.Inode != nil && n.Kind == index.Directory }

const maxLinks = 40 // symbolic links that the kernel follows (path_resolution(7))

// Find resolves a path as a process would whose root is the tree. It follows
// symbolic links, a link in the last component only if follow is set. It returns
// nil if there is no such file.
func (s *Stack) Find(name string, follow bool) *Node {
	at, rest, links := s.Root, name, maxLinks
	for rest != "" {
		// take the next component
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
		// look it up
		next := at.children[step]
		if next == nil {
			return nil
		}
		if next.Kind != index.Symlink || strings.Trim(rest, "/") == "" && !follow {
			at = next
			continue
		}
		// follow a link
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
