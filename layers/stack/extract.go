package stack

// Any user can copy files of layers into a directory. An image is untrusted:
// every file is made through an os.Root, which no link leads out of, and no
// existing file is touched. Owners, setuid bits and extended attributes are not
// copied, nor are devices and FIFOs, which are returned.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"github.com/minictr/minictr/layers/index"
	"golang.org/x/sys/unix"
)

var errDone = errors.New("done")

// ReadFiles calls each with the content of every inode, in the order of the layer.
// All inodes must be of that layer.
func ReadFiles(ctx context.Context, layer io.Reader, inodes []*Inode, each func(*Inode, io.Reader) error) error {
	wanted := make(map[int]*Inode)
	for _, i := range inodes {
		wanted[i.Ordinal] = i
	}
	// scan until the last of them
	ordinal := -1
	err := index.Scan(ctx, layer, func(e *index.Entry, body io.Reader) error {
		ordinal++
		i := wanted[ordinal]
		if i == nil {
			return nil
		}
		delete(wanted, ordinal)
		if err := each(i, body); err != nil {
			return err
		}
		if len(wanted) == 0 {
			return errDone
		}
		return nil
	})
	// the layer may have changed since it was indexed
	if err == nil && len(wanted) > 0 {
		err = errors.New("layer has fewer entries than its index")
	}
	if errors.Is(err, errDone) {
		err = nil
	}
	return err
}

// An Opener opens the blob of a layer.
type Opener func(layer int) (io.ReadCloser, error)

// Extract copies the node and all below it to the name base in root, which must
// not exist. It returns the paths that it skipped: devices and FIFOs.
func Extract(ctx context.Context, n *Node, root *os.Root, base string, open Opener) (skipped []string, err error) {
	// make directories and links
	x := &extraction{root: root, files: make(map[*Inode][]string)}
	if err := x.plan(n, base); err != nil {
		return nil, err
	}
	// copy the files, layer by layer
	layers := make(map[int][]*Inode)
	for i := range x.files {
		layers[i.Layer] = append(layers[i.Layer], i)
	}
	for _, layer := range slices.Sorted(maps.Keys(layers)) {
		if err := x.layer(ctx, layer, layers[layer], open); err != nil {
			return nil, fmt.Errorf("layer %d: %w", layer, err)
		}
	}
	// set the modes and times of directories, which making files in them changes
	for _, f := range slices.Backward(x.dirs) {
		if err := x.finish(f.name, f.Inode); err != nil {
			return nil, err
		}
	}
	return x.skipped, nil
}

// An extraction is one call of Extract.
type extraction struct {
	root    *os.Root
	files   map[*Inode][]string
	dirs    []extractedDir
	skipped []string
}

// An extractedDir is a directory whose mode and time are set at the end.
type extractedDir struct {
	name string
	*Inode
}

// plan makes directories and symbolic links, and notes the names of files.
func (x *extraction) plan(n *Node, name string) error {
	switch n.Kind {
	case index.File:
		x.files[n.Inode] = append(x.files[n.Inode], name)
	case index.Symlink:
		return x.root.Symlink(n.Target, name)
	case index.Directory:
		if err := x.root.Mkdir(name, 0o700); err != nil {
			return err
		}
		x.dirs = append(x.dirs, extractedDir{name, n.Inode})
		for _, c := range n.Children() {
			if err := x.plan(c, path.Join(name, c.Name)); err != nil {
				return err
			}
		}
	default:
		x.skipped = append(x.skipped, n.Path())
	}
	return nil
}

// layer copies the files of a layer.
func (x *extraction) layer(ctx context.Context, layer int, inodes []*Inode, open Opener) error {
	in, err := open(layer)
	if err != nil {
		return err
	}
	defer in.Close()
	return ReadFiles(ctx, in, inodes, x.file)
}

// file writes a file and makes its other names.
func (x *extraction) file(i *Inode, body io.Reader) error {
	names := x.files[i]
	f, err := x.root.OpenFile(names[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, name := range names[1:] {
		if err := x.root.Link(names[0], name); err != nil {
			return err
		}
	}
	return x.finish(names[0], i)
}

// finish sets mode and time.
func (x *extraction) finish(name string, i *Inode) error {
	mode := fs.FileMode(i.Mode).Perm()
	if i.Kind == index.Directory && i.Mode&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	if err := x.root.Chmod(name, mode); err != nil || i.Implied {
		return err
	}
	return x.root.Chtimes(name, time.Time{}, i.Entry.Time)
}
