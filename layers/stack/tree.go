package stack

// The tree of a single layer, as Unpack would have made it: later entries win,
// two folders become one, a symbolic link in the middle of a path is followed
// within the layer, a folder that the tar leaves out is there all the same.
// Whiteouts and opaque marks speak of the layers below, wherever they stand in
// the tar: a name that has both a whiteout and a file is the file, a folder
// with a whiteout is opaque.

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/minictr/minictr/layers/index"
)

type treeBuilder struct {
	stack *Stack
	root  *Node
}

func (t *treeBuilder) add(ordinal int, e *index.Entry) error {
	inode := &Inode{Entry: e, Layer: t.stack.layers, Ordinal: ordinal}
	switch {
	case e.Path == "" && e.Kind == index.Directory:
		inode.names = 1
		t.root.Inode = inode
		return nil
	case e.Kind == index.Opaque:
		folder, err := t.dir(e.Path, true)
		if err == nil {
			folder.opaque = true
		}
		return err
	}
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

// put gives an inode a name, which may be taken.
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

// target finds what a hard link links to. That a link is the last name of its
// own target is left to Unpack to refuse.
func (t *treeBuilder) target(name string) (*Inode, error) {
	dir, base := path.Split(path.Clean("/" + name))
	folder, err := t.dir(dir, false)
	if err != nil {
		return nil, fmt.Errorf("link to %.300q in this layer: %w", name, err)
	}
	n := folder.children[base]
	if n == nil || n.whiteout || n.isDir() {
		return nil, fmt.Errorf("link to %.300q in this layer: no such file", name)
	}
	return n.Inode, nil
}

var (
	errNoDir  = errors.New("no such folder")
	errNotDir = errors.New("a part of its path is not a folder")
	errLinks  = errors.New("too many symbolic links in its path")
)

// folder walks to a folder. Where the tar left one out, it is made if make
// says so.
func (t *treeBuilder) dir(name string, make bool) (*Node, error) {
	links := maxLinks
	return t.walk(t.root, name, make, &links)
}

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

// imply makes a folder that the tar left out; opaque, if it was whited out.
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

// follow goes where a link leads, if a folder is there.
func (t *treeBuilder) follow(at *Node, target string, links *int) (*Node, error) {
	if *links--; *links < 0 {
		return nil, errLinks
	}
	if path.IsAbs(target) {
		at = t.root
	}
	return t.walk(at, target, false, links)
}

// node makes a node. One of its name is replaced.
func (s *Stack) node(parent *Node, name string, inode *Inode) (*Node, error) {
	if s.nodesLeft--; s.nodesLeft < 0 {
		return nil, errors.New("image has more names than any image may")
	}
	n := &Node{Name: name, Parent: parent, Inode: inode}
	if parent.children == nil {
		parent.children = make(map[string]*Node)
	}
	parent.children[name] = n
	return n, nil
}
