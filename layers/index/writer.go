package index

import (
	"archive/tar"
	"bufio"
	"os"
	"strings"

	"github.com/minictr/minictr/layers"
)

// A Writer writes the index of a layer while the layer is unpacked, in memory that does
// not grow with the layer. It leaves out the digests of files: a SHA-256 of each would
// make unpacking slower by a fifth. See Entry.Digest.
type Writer struct {
	file    *os.File
	out     *bufio.Writer
	limit   limit
	line    []byte
	size    int64 // of all files, in bytes
	entries int
	err     error // the first
}

// NewWriter writes to a new file.
func NewWriter(file *os.File) *Writer {
	w := &Writer{file: file, out: bufio.NewWriterSize(file, 64<<10)}
	_, w.err = w.out.WriteString(strings.Repeat(" ", headLength)) // until Close knows it
	return w
}

// Add adds an entry of the tar.
func (w *Writer) Add(h *tar.Header) {
	if w.err == nil {
		w.err = w.add(h)
	}
}

func (w *Writer) add(h *tar.Header) error {
	e, err := newEntry(h)
	if err != nil || e == nil {
		return err
	}
	if err := w.limit.count(e); err != nil {
		return err
	}
	w.entries++
	w.size += e.Size
	w.line = e.append(w.line[:0])
	_, err = w.out.Write(w.line)
	return err
}

// Close completes the file, which stays open, after the layer was unpacked. The error
// may be of any entry.
func (w *Writer) Close(u *layers.Unpacked) error {
	if w.err != nil {
		return w.err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	x := Index{DiffID: u.DiffID, Blob: u.Blob, BlobSize: u.BlobSize, Size: w.size}
	_, err := w.file.WriteAt([]byte(x.head(w.entries)), 0)
	return err
}
