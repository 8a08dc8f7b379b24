// hint: a file .wh.NAME
// Lesson 6: unpacking a layer.
//
//	unpack DIRECTORY < LAYER.tar
//
// A layer comes as a tar archive, and its author is a stranger. No name in it, and no link
// that it has made, may lead out of the directory: os.Root refuses those that do.
package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unpack DIRECTORY < LAYER.tar")
		os.Exit(2)
	}
	err := os.Mkdir(os.Args[1], 0o755)
	if err == nil {
		err = unpack(os.Stdin, os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// unpack makes the files of an archive: a list of headers, each followed by a file's data.
func unpack(archive io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	r := tar.NewReader(archive)
	h, err := r.Next()
	for ; err == nil; h, err = r.Next() {
		if err := entry(root, h, r); err != nil {
			return err
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// entry makes a file of the layer. root follows links on the way, as long as they stay inside.
func entry(root *os.Root, h *tar.Header, data io.Reader) (err error) {
	name := path.Clean(h.Name)

	switch h.Typeflag {
	case tar.TypeDir:
		err = root.MkdirAll(name, 0o755)
	case tar.TypeReg:
		err = write(root, name, data)
	case tar.TypeLink: // another name of a file that is there already
		err = root.Link(path.Clean(h.Linkname), name)
	case tar.TypeSymlink: // its target is text, and may be anything: it is followed inside
		err = root.Symlink(h.Linkname, name)
	default:
		err = fmt.Errorf("%s: not a directory, file or link", name)
	}
	if err == nil {
		err = root.Lchown(name, h.Uid, h.Gid) // before the mode: it clears set-user-ID bits
	}
	if err == nil && h.Typeflag != tar.TypeSymlink {
		err = root.Chmod(name, h.FileInfo().Mode())
	}
	return err
}

func write(root *os.Root, name string, data io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, data)
	return errors.Join(err, f.Close())
}
