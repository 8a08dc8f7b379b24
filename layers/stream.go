package layers

// A layer's bytes flow through four stations, each on its own goroutine where
// that pays, so that two cores have work:
//
//	read ─► decompress ─► hash ─► unpack
//	└── one goroutine ──┘ └one┘   └ the caller
//
// They pass the same few buffers round, so memory does not grow with the
// layer. An archive that is itself compressed is one station more, before
// them all: see Ahead.
//
// Two digests come out. The blob's is that of the bytes as they came:
// manifests name blobs by it. The diff ID is that of the tar within: configs
// name layers by it. Bytes behind the end of the tar belong to both, so a
// stream is always read to its very end.

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
)

const (
	chunkSize = 128 << 10
	chunks    = 8

	// maxWindow bounds what zstd may ask for; zstd(1) --long makes 128 MiB.
	maxWindow = 128 << 20
)

// Decompress returns the bytes of r, which is gzip, zstd or plain, as its
// first bytes tell, and whether they were compressed.
func Decompress(r io.Reader) (plain io.ReadCloser, compressed bool, err error) {
	buffered := bufio.NewReaderSize(r, chunkSize)
	magic, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, true, fmt.Errorf("read gzip: %w", err)
		}
		return z, true, nil
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, true, fmt.Errorf("read zstd: %w", err)
		}
		return z.IOReadCloser(), true, nil
	}
	return io.NopCloser(buffered), false, nil
}

// Ahead reads and decompresses r on a goroutine of its own, up to 1 MiB ahead
// of who reads the result, and at most max bytes. When ctx ends so does the
// result, even where r is a pipe that stays silent; r may then still be read
// after Close.
func ReadAhead(ctx context.Context, r io.Reader, max int64) io.ReadCloser {
	s := makeStream(ctx, max)
	s.hashed = s.full
	go func() {
		plain, _, err := Decompress(r)
		if err != nil {
			s.full <- chunk{nil, err}
			return
		}
		s.fill(plain)
	}()
	return readAhead{s}
}

type readAhead struct{ *stream }

func (a readAhead) Close() error { a.cancel(); return nil }

// A stream reads a layer's tar and, at its end, knows both digests.
type stream struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	full, hashed chan chunk
	free         chan []byte
	now          chunk
	rest         []byte

	left int64     // how many more bytes the tar may have
	tar  hash.Hash // over the tar
	blob hash.Hash // over the bytes as they came; nil where that is the same
}

type chunk struct {
	data []byte
	err  error // what follows data: io.EOF at the end
}

func makeStream(ctx context.Context, max int64) *stream {
	s := &stream{left: max, full: make(chan chunk, chunks), free: make(chan []byte, chunks)}
	for range chunks {
		s.free <- make([]byte, chunkSize)
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// newStream starts reading r, whose tar may have max bytes. The stream must
// be closed before r is.
func newStream(ctx context.Context, r io.Reader, max int64) (*stream, error) {
	raw := &tap{r, sha256.New()}
	plain, compressed, err := Decompress(raw)
	if err != nil {
		return nil, err
	}
	s := makeStream(ctx, max)
	s.hashed, s.tar = make(chan chunk, chunks), sha256.New()
	if compressed {
		s.blob = raw.Hash
	} else {
		raw.Hash = nil
	}
	s.done.Go(func() { s.fill(plain) })
	s.done.Go(s.sum)
	return s, nil
}

var errTooLarge = errors.New("more bytes than any layer or archive may hold")

// A tap hashes what is read through it.
type tap struct {
	io.Reader
	hash.Hash
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if t.Hash != nil {
		t.Hash.Write(p[:n])
	}
	return n, err
}

// fill reads and decompresses.
func (s *stream) fill(plain io.ReadCloser) {
	defer plain.Close()
	for {
		select {
		case <-s.ctx.Done():
			return
		case buf := <-s.free:
			n, err := readFull(plain, buf[:chunkSize])
			if s.left -= int64(n); s.left < 0 {
				err = errTooLarge
			}
			s.full <- chunk{buf[:n], err}
			if err != nil {
				return
			}
		}
	}
}

// readFull is io.ReadFull, but tells a stream that ends (io.EOF) from one
// that was cut off (gzip's io.ErrUnexpectedEOF).
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// sum hashes the tar on its way.
func (s *stream) sum() {
	for {
		select {
		case <-s.ctx.Done():
			return
		case c := <-s.full:
			s.tar.Write(c.data)
			s.hashed <- c
			if c.err != nil {
				return
			}
		}
	}
}

// Read is the last station. There are as many places in the channels as
// buffers, so no station ever waits to hand one on.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.now.err != nil {
			return 0, s.now.err
		}
		if s.now.data != nil {
			s.free <- s.now.data
			s.now.data = nil
		}
		if err := s.ctx.Err(); err != nil { // select would take either, if both are there
			return 0, err
		}
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case s.now = <-s.hashed:
			s.rest = s.now.data
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// digests reads what is left, and returns the blob's digest and the diff ID.
func (s *stream) digests() (blob, diffID digest.Digest, err error) {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return "", "", err
	}
	diffID = digest.NewDigest(digest.SHA256, s.tar)
	if s.blob == nil {
		return diffID, diffID, nil
	}
	return digest.NewDigest(digest.SHA256, s.blob), diffID, nil
}

// Close stops the other stations and waits for them.
func (s *stream) Close() {
	s.cancel()
	s.done.Wait()
}
