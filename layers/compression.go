package layers

// How a layer or an archive is compressed is known by its first bytes, as docker
// knows it (github.com/moby/go-archive, compression): media types and file names
// need not tell the truth. Whatever the bytes ask for, memory is bounded: by
// maxWindow for zstd and xz, by their formats for gzip and bzip2.

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// A Compression is the format of compressed bytes.
type Compression string

// The compressions of layers and archives.
const (
	Uncompressed Compression = ""
	Gzip         Compression = "gzip"  // RFC 1952
	Zstd         Compression = "zstd"  // RFC 8878
	XZ           Compression = "xz"    // tukaani.org/xz/xz-file-format.txt
	Bzip2        Compression = "bzip2" // sourceware.org/bzip2
)

const (
	// maxWindow bounds the bytes of history that zstd and xz may ask for.
	// zstd --long makes 128 MiB, xz -9 makes 64 MiB, and the format of xz allows 4 GiB.
	maxWindow = 128 << 20

	magicLength = 10 // bytes at the start that tell one compression from another
)

// detect returns the compression of a stream by its first bytes.
func detect(head []byte) Compression {
	starts := func(magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }
	switch {
	case starts("\x1f\x8b"):
		return Gzip
	case starts("\x28\xb5\x2f\xfd"), len(head) >= 4 && head[0]&0xf0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18":
		return Zstd // a frame, or one to skip (RFC 8878, 3.1.2)
	case starts("\xfd7zXZ\x00"):
		return XZ
	case starts("BZh") && len(head) == magicLength && isBzip2Block(string(head[4:])):
		return Bzip2
	}
	return Uncompressed
}

// isBzip2Block reports whether these are the first bytes of a block, or of the end of
// a stream without blocks. "BZh" alone may be the name of a file in a tar.
func isBzip2Block(magic string) bool {
	return magic == "1AY&SY" || magic == "\x17rE8P\x90"
}

// Decompress returns the uncompressed bytes of r, and how r is compressed.
func Decompress(r io.Reader) (plain io.ReadCloser, c Compression, err error) {
	buffered := bufio.NewReaderSize(r, chunkSize)
	head, err := buffered.Peek(magicLength)
	if err != nil && err != io.EOF {
		return nil, Uncompressed, err
	}
	c = detect(head)
	if plain, err = decompress(buffered, c); err != nil {
		return nil, c, fmt.Errorf("read %s: %w", c, err)
	}
	return plain, c, nil
}

// decompress opens a stream of a known compression.
func decompress(r io.Reader, c Compression) (io.ReadCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewReader(r)
	case Zstd:
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case XZ:
		z, err := xz.NewReader(r, maxWindow)
		return io.NopCloser(xzReader{z}), xzError(err)
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	}
	return io.NopCloser(r), nil
}

// An xzReader says what an error of package xz means.
type xzReader struct{ *xz.Reader }

func (r xzReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	return n, xzError(err)
}

func xzError(err error) error {
	switch {
	case errors.Is(err, xz.ErrMemlimit):
		return fmt.Errorf("xz: dictionary exceeds %d MiB", maxWindow>>20)
	case errors.Is(err, xz.ErrBuf):
		return fmt.Errorf("xz: %w", io.ErrUnexpectedEOF) // no progress at the end of the input
	}
	return err
}
