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
	_ = data // remove this line when you use it
	name := path.Clean(h.Name)

	// HERE 1: a file .wh.NAME says that the layer deletes NAME of the layers below. Make what
	// overlayfs takes for that, and return.

	switch h.Typeflag {
	case tar.TypeDir:
		err = root.MkdirAll(name, 0o755)
	// HERE 2: regular files, with the data; other names of a file; symbolic links.
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
