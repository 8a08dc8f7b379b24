package stack

// The tree of a single layer is the one that layers.Unpack would make: a later
// entry wins, two directories are merged, a symbolic link in the middle of a path
// is followed within the layer, and a directory without an entry is implied.
// Whiteouts and opaque markers are about the layers below, wherever they stand in
// the tar: a file and a whiteout of one name are the file, a directory and a
// whiteout are an opaque directory.

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/layers/index"
)

// A treeBuilder makes the tree of a layer.
type treeBuilder struct {
	stack       *Stack
	root        *Node
	pseudolinks map[string]*Inode // of aufs, by their paths
}

// add adds an entry of the index.
func (t *treeBuilder) add(ordinal int, e *index.Entry) error {
	inode := &Inode{Entry: e, Layer: t.stack.layers, Ordinal: ordinal}
	switch {
	case e.Path == "" && e.Kind == index.Directory:
		inode.names = 1
		t.root.Inode = inode
		return nil
	case e.Kind == index.Opaque:
		dir, err := t.dir(e.Path, true)
		if err == nil {
			dir.opaque = true
		}
		return err
	case layers.IsPseudolink(e.Path):
		t.pseudolinks[e.Path] = inode
		return nil
	}
	// any other entry has a name in a parent directory
	dir, base := path.Split(e.Path)
	parent, err := t.dir(dir, true)
	if err != nil {
		return err
	}
	switch e.Kind {
	case index.Whiteout:
		return t.whiteout(parent, base)
	case index.Hardlink:
		if inode, err = t.target(e.Target); err != nil {
			return err
		}
	}
	return t.put(parent, base, inode)
}

// put gives an inode a name, in place of an earlier entry.
func (t *treeBuilder) put(parent *Node, base string, inode *Inode) error {
	old := parent.children[base]
	if old != nil && old.isDir() && inode.Kind == index.Directory {
		inode.names = 1
		old.Inode = inode
		return nil
	}
	n, err := t.stack.node(parent, base, inode)
	if err != nil {
		return err
	}
	inode.names++
	if old != nil {
		n.opaque = old.whiteout && inode.Kind == index.Directory
		t.stack.forget(old, cause{Overwritten, n})
	}
	return nil
}

// whiteout adds a whiteout.
func (t *treeBuilder) whiteout(parent *Node, base string) error {
	if old := parent.children[base]; old != nil {
		old.opaque = old.opaque || old.isDir()
		return nil
	}
	n, err := t.stack.node(parent, base, nil)
	if err == nil {
		n.whiteout = true
	}
	return err
}

// target returns the inode that a hard link refers to. It does not refuse a link
// that replaces the last name of its own target; layers.Unpack does.
func (t *treeBuilder) target(name string) (*Inode, error) {
	name, err := layers.Clean(name)
	if err != nil {
		return nil, err
	}
	if inode := t.pseudolinks[name]; inode != nil {
		return inode, nil
	}
	dir, base := path.Split(name)
	parent, err := t.dir(dir, false)
	if err != nil {
		return nil, fmt.Errorf("link to %.300q in this layer: %w", name, err)
	}
	n := parent.children[base]
	if n == nil || n.whiteout || n.isDir() {
		return nil, fmt.Errorf("link to %.300q in this layer: no such file", name)
	}
	return n.Inode, nil
}

var (
	errNoDir  = errors.New("no such directory")
	errNotDir = errors.New("path component is not a directory")
	errLinks  = errors.New("too many levels of symbolic links")
)

// dir resolves a path to a directory. If make is set, it makes the directories
// that have no entry.
func (t *treeBuilder) dir(name string, make bool) (*Node, error) {
	links := maxLinks
	return t.walk(t.root, name, make, &links)
}

// walk resolves a path that starts in the directory at.
func (t *treeBuilder) walk(at *Node, name string, make bool, links *int) (*Node, error) {
	for step := range strings.SplitSeq(name, "/") {
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
		var err error
		switch {
		case next == nil || next.whiteout:
			at, err = t.imply(at, step, make, next != nil)
		case next.Kind == index.Directory:
			at = next
		case next.Kind == index.Symlink:
			at, err = t.follow(at, next.Target, links)
		default:
			err = errNotDir
		}
		if err != nil {
			return nil, err
		}
	}
	return at, nil
}

// imply makes a directory without an entry; opaque if a whiteout has its name.
func (t *treeBuilder) imply(at *Node, name string, make, opaque bool) (*Node, error) {
	if !make {
		return nil, errNoDir
	}
	n, err := t.stack.node(at, name, implied("", t.stack.layers))
	if err == nil {
		n.opaque = opaque
	}
	return n, err
}

// follow resolves the target of a link to a directory.
func (t *treeBuilder) follow(at *Node, target string, links *int) (*Node, error) {
	if *links--; *links < 0 {
		return nil, errLinks
	}
	if path.IsAbs(target) {
		at = t.root
	}
	return t.walk(at, target, false, links)
}

// node makes a node, in place of one of that name.
func (s *Stack) node(parent *Node, name string, inode *Inode) (*Node, error) {
	if s.nodesLeft--; s.nodesLeft < 0 {
		return nil, errors.New("too many names in the image")
	}
	n := &Node{Name: name, Parent: parent, Inode: inode}
	if parent.children == nil {
		parent.children = make(map[string]*Node)
	}
	parent.children[name] = n
	return n, nil
}
