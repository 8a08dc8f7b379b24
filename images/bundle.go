package images

// What load is given is a bundle of named files: manifest.json, index.json,
// blobs/sha256/…. It may be a folder, a tar, or a tar that comes through a
// pipe or compressed. All become one thing, an fs.FS, and the rest of the
// package sees no difference.
//
// A tar is never unpacked for that. One pass over its headers, which seeks
// over the contents, notes where each file's bytes lie. A pipe cannot seek and
// manifest.json comes last in it, so its bytes go into a nameless temporary
// file first (open(2), O_TMPFILE), which the kernel frees even after kill -9.

import (
	"archive/tar"
	"context"
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

// openBundle opens the file or folder src, or, where src is "-", stdin.
// Scratch is a folder for a temporary file.
func openBundle(ctx context.Context, src string, stdin io.Reader, scratch string) (fs.FS, io.Closer, error) {
	if src == "-" {
		return spool(ctx, stdin, scratch)
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
		return folder{root}, root, err
	case !st.Mode().IsRegular():
		f.Close()
		if f, err = os.Open(src); err != nil { // a FIFO: this time, wait for its writer
			return nil, nil, err
		}
		defer f.Close()
		return spool(ctx, f, scratch)
	}
	compressed, err := isCompressed(f)
	if err != nil || compressed {
		defer f.Close()
		if err != nil {
			return nil, nil, err
		}
		return spool(ctx, f, scratch)
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

// spool copies a stream, decompressed, into a nameless file.
func spool(ctx context.Context, r io.Reader, scratch string) (fs.FS, io.Closer, error) {
	plain, _, err := layers.Decompress(reader{ctx, r})
	if err != nil {
		return nil, nil, err
	}
	defer plain.Close()
	f, err := os.OpenFile(scratch, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	n, err := io.Copy(f, io.LimitReader(plain, maxBundle))
	if err == nil && n == maxBundle {
		err = fmt.Errorf("archive is larger than %d bytes", int64(maxBundle))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("read archive: %w", err)
	}
	return openTar(f)
}

// reader ends when its context does.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// folder is a bundle that lies in a folder. os.Root keeps links within it.
type folder struct{ *os.Root }

func (d folder) Open(name string) (fs.File, error) {
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

// tarball is a bundle that lies in a tar.
type tarball struct {
	file  *os.File
	files map[string]span
}

// span is where a file's bytes lie, or the name it links to.
type span struct {
	info   fs.FileInfo
	off    int64
	target string
}

func openTar(f *os.File) (fs.FS, io.Closer, error) {
	t := &tarball{f, make(map[string]span)}
	if err := t.scan(); err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("read archive: %w", err)
	}
	return t, f, nil
}

func (t *tarball) scan() error {
	r := tar.NewReader(t.file)
	for range maxFiles {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		if len(name) > maxName || !fs.ValidPath(name) {
			return fmt.Errorf("unexpected name %.100q", h.Name)
		}
		off, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeReg:
			t.files[name] = span{info: h.FileInfo(), off: off}
		case tar.TypeSymlink: // an old docker's second copy of a layer
			t.files[name] = span{target: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			t.files[name] = span{target: path.Clean(h.Linkname)}
		}
	}
	return fmt.Errorf("more than %d files", maxFiles)
}

func (t *tarball) Open(name string) (fs.File, error) {
	s, ok := t.files[name]
	for range maxTarLinks {
		if ok && s.info != nil {
			return &section{io.NewSectionReader(t.file, s.off, s.info.Size()), s.info}, nil
		}
		s, ok = t.files[s.target]
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// section is a file within the tar.
type section struct {
	*io.SectionReader
	info fs.FileInfo
}

func (s *section) Stat() (fs.FileInfo, error) { return s.info, nil }
func (s *section) Close() error               { return nil }
