package layers

// A file that is not a tar has a header that archive/tar cannot read. The error
// says what the file is instead, as file(1) would.

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// magics are the first bytes of what is taken for an archive by mistake.
var magics = []struct{ magic, what string }{
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "a zip archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"Rar!\x1a\x07", "a rar archive"},
	{"!<arch>\n", "an ar archive, as Debian packages are"},
	{"070701", "a cpio archive"},
	{"070707", "a cpio archive"},
	{"\x5d\x00\x00", "compressed with lzma"},
	{"LZIP", "compressed with lzip"},
	{"\x04\x22\x4d\x18", "compressed with lz4"},
	{"\x89LZO\x00", "compressed with lzop"},
	{"\x1f\x9d", "compressed with compress"},
	{"\x1f\xa0", "compressed with compress"},
	{"hsqs", "a squashfs file system"},
	{"QFI\xfb", "a qcow2 disk image"},
	{"KDMV", "a vmdk disk image"},
	{"\x7fELF", "an ELF program"},
	{"version https://git-lfs", "a pointer of Git LFS"},
}

const headLength = 512 // bytes of a file that tell what it is

// A TarReader is a tar.Reader whose errors say what is wrong with the file.
type TarReader struct {
	*tar.Reader
	head  func() []byte // the beginning of the file
	count int           // of entries that were read
}

// NewTarReader returns a reader of the tar r. It seeks if r can.
func NewTarReader(r io.Reader) *TarReader {
	if at, ok := r.(io.ReaderAt); ok {
		return &TarReader{Reader: tar.NewReader(r), head: func() []byte {
			head := make([]byte, headLength)
			n, _ := at.ReadAt(head, 0)
			return head[:n]
		}}
	}
	h := &headReader{Reader: r}
	return &TarReader{Reader: tar.NewReader(h), head: func() []byte { return h.head }}
}

// A headReader keeps the first bytes that are read through it.
type headReader struct {
	io.Reader
	head []byte
}

func (h *headReader) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if left := headLength - len(h.head); left > 0 {
		h.head = append(h.head, p[:min(n, left)]...)
	}
	return n, err
}

// Next returns the header of the next entry, or io.EOF.
func (t *TarReader) Next() (*tar.Header, error) {
	h, err := t.Reader.Next()
	switch {
	case err == nil:
		t.count++
	case errors.Is(err, tar.ErrHeader) && t.count > 0:
		err = fmt.Errorf("damaged tar: no header after %d entries", t.count)
	case errors.Is(err, tar.ErrHeader), errors.Is(err, io.ErrUnexpectedEOF) && len(t.head()) > 0 && !isTar(t.head()):
		err = notTar(t.head())
	}
	return h, truncated(err)
}

// Read reads the content of the entry.
func (t *TarReader) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	return n, truncated(err)
}

func truncated(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("file is truncated: %w", err)
	}
	return err
}

// isTar reports whether a file begins with a header of POSIX or GNU tar.
func isTar(head []byte) bool { return len(head) == headLength && string(head[257:262]) == "ustar" }

// notTar describes a file that is not a tar.
func notTar(head []byte) error {
	const not = "file is not a tar archive"
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return errors.New(not + ": it is " + m.what)
		}
	}
	text := strings.TrimSpace(strings.ToValidUTF8(string(head), ""))
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return errors.New(not + ": it is JSON")
	case strings.HasPrefix(text, "<"):
		return errors.New(not + ": it is HTML or XML")
	case len(text) > 0 && utf8.Valid(head) && !bytes.ContainsRune(head, 0):
		return errors.New(not + ": it is text")
	}
	return fmt.Errorf("%s: it begins with %x", not, head[:min(len(head), magicLength)])
}
