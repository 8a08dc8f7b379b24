package images

// An archive is a set of named files: manifest.json, index.json, blobs/sha256/….
// It is a directory, a tar, or a tar that is compressed or comes through a pipe.
// Each becomes an fs.FS, and the rest of the package sees no difference.
//
// A tar in a file is not unpacked for that: one pass over its headers, which
// seeks over the contents, notes the offset of each file. A pipe and a
// compressed tar cannot seek: see archive_stream.go.

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// Limits of the files of an archive.
const (
	maxArchive  = 256 << 30 // bytes, uncompressed
	maxFiles    = 1 << 16
	maxName     = 512 // bytes
	maxTarLinks = 8   // from one name to another
)

// A receiver reads an archive that can be read only once.
type receiver func(io.Reader) (fs.FS, io.Closer, error)

// openArchive opens an archive, with receive if it can be read only once.
func openArchive(src string, receive receiver) (fs.FS, io.Closer, error) {
	f, err := os.OpenFile(src, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	// a directory, or a file that cannot seek
	st, err := f.Stat()
	switch {
	case err != nil:
		f.Close()
		return nil, nil, err
	case st.IsDir():
		f.Close()
		root, err := os.OpenRoot(src)
		if err != nil {
			return nil, nil, err
		}
		return archiveDir{root}, root, nil
	case !st.Mode().IsRegular():
		f.Close()
		if f, err = os.Open(src); err != nil { // blocks until a FIFO has a writer
			return nil, nil, err
		}
		defer f.Close()
		return receive(f)
	}
	// a regular file
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

// isCompressed reports whether a file is compressed. It reads the file from its start.
func isCompressed(f *os.File) (bool, error) {
	plain, compression, err := layers.Decompress(f)
	if err != nil {
		return false, err
	}
	plain.Close()
	_, err = f.Seek(0, io.SeekStart)
	return compression != layers.Uncompressed, err
}

// An archiveDir is an archive in a directory. No link leads out of an os.Root.
type archiveDir struct{ *os.Root }

// Open opens a regular file.
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

// A tarball is an archive in a tar, or one that was read from a tar.
type tarball struct {
	file    *os.File
	members map[string]member
}

// A member is a file of a tarball. Its bytes are at off in the file of the
// tarball, in a layer that is already staged, or those of the member target.
type member struct {
	info   fs.FileInfo
	off    int64
	staged *stagedLayer
	target string
}

// openTar lists the members of a tar that can seek.
func openTar(f *os.File) (fs.FS, io.Closer, error) {
	t := &tarball{f, make(map[string]member)}
	err := t.scan(f, func(*tar.Header, io.Reader) (m member, err error) {
		m.off, err = f.Seek(0, io.SeekCurrent)
		return m, err
	})
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return t, f, nil
}

// scan reads a tar. Place returns where the bytes of a regular file are.
func (t *tarball) scan(r io.Reader, place func(*tar.Header, io.Reader) (member, error)) error {
	archive := layers.NewTarReader(r)
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
			return fmt.Errorf("read archive: invalid name %.100q", h.Name)
		}
		// note a regular file or a link
		var m member
		switch h.Typeflag {
		case tar.TypeReg:
			if m, err = place(h, archive); err != nil {
				return fmt.Errorf("read archive: %s: %w", name, err)
			}
			m.info = h.FileInfo()
		case tar.TypeSymlink: // docker before version 25 links to a layer that it wrote before
			m.target = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			m.target = path.Clean(h.Linkname)
		default:
			continue
		}
		t.members[name] = m
	}
	return fmt.Errorf("read archive: more than %d files", maxFiles)
}

// Open opens a member, or the one that it is a link to.
func (t *tarball) Open(name string) (fs.File, error) {
	m, ok := t.members[name]
	for range maxTarLinks {
		switch {
		case ok && m.staged != nil:
			f, err := os.Open(m.staged.file)
			return stagedFile{f, m.staged}, err
		case ok && m.info != nil:
			return section{io.NewSectionReader(t.file, m.off, m.info.Size()), m.info}, nil
		}
		m, ok = t.members[m.target]
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// A section is an open member whose bytes are in the file of the tarball.
type section struct {
	*io.SectionReader
	info fs.FileInfo
}

func (s section) Stat() (fs.FileInfo, error) { return s.info, nil }
func (s section) Close() error               { return nil }

// A stagedFile is the blob of a staged layer, opened as a member.
type stagedFile struct {
	*os.File
	*stagedLayer
}

// decompressToTemp opens an archive that can be read only once. It copies it to
// an unnamed file in TMPDIR.
func decompressToTemp(ctx context.Context, r io.Reader) (fs.FS, io.Closer, error) {
	plain := layers.ReadAhead(ctx, r, maxArchive)
	defer plain.Close()
	f, err := unnamedFile(os.TempDir())
	if err == nil {
		_, err = io.Copy(f, plain)
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			f.Close()
		}
	}
	if err != nil {
		err = fmt.Errorf("decompress archive: %w", err)
		return nil, nil, hint.New(err, "set TMPDIR to a directory with room, or decompress the archive first")
	}
	return openTar(f)
}

// unnamedFile makes a file without a name (open(2), O_TMPFILE), or, on a
// filesystem that has no such files, one whose name is removed at once.
func unnamedFile(dir string) (*os.File, error) {
	f, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return f, err
	}
	if f, err = os.CreateTemp(dir, "minictr-"); err == nil {
		err = os.Remove(f.Name())
	}
	return f, err
}
