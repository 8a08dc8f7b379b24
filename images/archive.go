package images

// What load is given is an archive of named files: manifest.json, index.json,
// blobs/sha256/…. It may be a directory, a tar, or a tar that comes through a
// pipe or compressed. All become one thing, an fs.FS, and the rest of the
// package sees no difference.
//
// A tar in a file is never unpacked for that. One pass over its headers, which
// seeks over the contents, notes where each file's bytes lie. A pipe cannot
// seek, nor can what is compressed: see arrive.go.

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Caps on the table of a tar's files.
const (
	maxFiles    = 1 << 16
	maxName     = 512
	maxTarLinks = 8
)

// openBundle opens the file or directory src, or, where src is "-", stdin. What
// can be read only once is given to receive.
func openArchive(src string, stdin io.Reader, receive func(io.Reader) (fs.FS, io.Closer, error)) (fs.FS, io.Closer, error) {
	if src == "-" {
		return receive(stdin)
	}
	f, err := os.OpenFile(src, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	st, err := f.Stat()
	switch {
	case err != nil:
		f.Close()
		return nil, nil, err
	case st.IsDir():
		f.Close()
		root, err := os.OpenRoot(src)
		return archiveDir{root}, root, err
	case !st.Mode().IsRegular():
		f.Close()
		if f, err = os.Open(src); err != nil { // a FIFO: this time, wait for its writer
			return nil, nil, err
		}
		defer f.Close()
		return receive(f)
	}
	compressed, err := isCompressed(f)
	if err != nil || compressed {
		defer f.Close()
		if err != nil {
			return nil, nil, err
		}
		return receive(f)
	}
	return openTar(f)
}

func isCompressed(f *os.File) (bool, error) {
	plain, compressed, err := layers.Decompress(f)
	if err != nil {
		return false, err
	}
	plain.Close()
	_, err = f.Seek(0, io.SeekStart)
	return compressed, err
}

// directory is an archive that lies in a directory. os.Root keeps links within it.
type archiveDir struct{ *os.Root }

func (d archiveDir) Open(name string) (fs.File, error) {
	f, err := d.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return nil, errors.Join(err, &fs.PathError{Op: "open", Path: name, Err: errors.New("not a regular file")})
	}
	return f, nil
}

// tarball is an archive that lies, or came, in a tar.
type tarball struct {
	file    *os.File
	members map[string]member
}

// span is where a file's bytes lie: from off in the tarball's file, in a file
// of their own with the layer unpacked already, or where another name says.
type member struct {
	info   fs.FileInfo
	off    int64
	staged *stagedLayer
	target string
}

func openTar(f *os.File) (fs.FS, io.Closer, error) {
	t := &tarball{f, make(map[string]member)}
	err := t.scan(f, func(*tar.Header, io.Reader) (s member, err error) {
		s.off, err = f.Seek(0, io.SeekCurrent)
		return s, err
	})
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return t, f, nil
}

// scan reads a tar. Place is asked where the bytes of each file lie.
func (t *tarball) scan(r io.Reader, place func(*tar.Header, io.Reader) (member, error)) error {
	archive := tar.NewReader(r)
	for range maxFiles {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read archive: %w", err)
		}
		name := path.Clean(h.Name)
		if len(name) > maxName || !fs.ValidPath(name) {
			return fmt.Errorf("read archive: unexpected name %.100q", h.Name)
		}
		var s member
		switch h.Typeflag {
		case tar.TypeReg:
			if s, err = place(h, archive); err != nil {
				return fmt.Errorf("read archive: %s: %w", name, err)
			}
			s.info = h.FileInfo()
		case tar.TypeSymlink: // an old docker's second copy of a layer
			s.target = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			s.target = path.Clean(h.Linkname)
		default:
			continue
		}
		t.members[name] = s
	}
	return fmt.Errorf("read archive: more than %d files", maxFiles)
}

func (t *tarball) Open(name string) (fs.File, error) {
	s, ok := t.members[name]
	for range maxTarLinks {
		switch {
		case ok && s.staged != nil:
			f, err := os.Open(s.staged.file)
			return stagedFile{f, s.staged}, err
		case ok && s.info != nil:
			return section{io.NewSectionReader(t.file, s.off, s.info.Size()), s.info}, nil
		}
		s, ok = t.members[s.target]
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// section is a file within the tar.
type section struct {
	*io.SectionReader
	info fs.FileInfo
}

func (s section) Stat() (fs.FileInfo, error) { return s.info, nil }
func (s section) Close() error               { return nil }

// arrival is a file that came in a tar and was kept beside it.
type stagedFile struct {
	*os.File
	*stagedLayer
}
