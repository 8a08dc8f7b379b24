package layers

// A layer is read by a pipeline of four stages on three goroutines, so that
// two cores have work:
//
//	read ─► decompress ─► hash ─► unpack
//	└── one goroutine ──┘ └one┘   └ the caller
//
// The stages share a fixed set of buffers, so memory does not grow with the
// layer. A compressed archive of images adds a stage before them: ReadAhead.
//
// A layer has two digests. The digest of its blob is that of the bytes as
// stored or transferred: a manifest refers to it. The diff ID is that of the
// uncompressed tar: an image config refers to it. Both cover bytes after the end of
// the tar, so a stream is always read to its end.

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"
)

const (
	chunkSize = 128 << 10
	chunks    = 8
)

// ReadAhead decompresses r on a goroutine of its own, up to 1 MiB ahead of the
// reader, and fails after max uncompressed bytes. It fails with the error of
// ctx when that ends, even while r blocks; r may then be read after Close.
func ReadAhead(ctx context.Context, r io.Reader, max int64) io.ReadCloser {
	t := newTar(ctx, max)
	t.hashed = t.full
	go func() {
		plain, _, err := Decompress(r)
		if err != nil {
			t.full <- chunk{nil, err}
			return
		}
		t.fill(plain)
	}()
	return readAhead{t}
}

// A readAhead is a Tar without hashes, whose Close does not wait for r.
type readAhead struct{ *Tar }

func (a readAhead) Close() error { a.cancel(); return nil }

// A Tar is the uncompressed tar of a layer, which is read once from its start to
// its end. Its last stage is the goroutine that calls Read.
type Tar struct {
	ctx    context.Context
	cancel context.CancelFunc
	done   sync.WaitGroup

	full, hashed chan chunk
	free         chan []byte
	now          chunk
	rest         []byte

	raw         *tap
	compression Compression
	left        int64     // bytes that the tar may still have
	tar         hash.Hash // over the tar
	blob        hash.Hash // over the bytes as they came; nil where that is the same
}

// A chunk is a buffer that is passed from stage to stage.
type chunk struct {
	data []byte
	err  error // what follows data: io.EOF at the end
}

func newTar(ctx context.Context, max int64) *Tar {
	t := &Tar{left: max, full: make(chan chunk, chunks), free: make(chan []byte, chunks)}
	for range chunks {
		t.free <- make([]byte, chunkSize)
	}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t
}

// OpenTar starts to read a layer, compressed or not. A tar of more than max
// bytes is an error. Close the Tar before r.
func OpenTar(ctx context.Context, r io.Reader, max int64) (*Tar, error) {
	raw := &tap{Reader: r, Hash: sha256.New()}
	plain, compression, err := Decompress(raw)
	if err != nil {
		return nil, err
	}
	t := newTar(ctx, max)
	t.raw, t.compression, t.hashed, t.tar = raw, compression, make(chan chunk, chunks), sha256.New()
	if compression != Uncompressed {
		t.blob = raw.Hash
	} else {
		raw.Hash = nil
	}
	t.done.Go(func() { t.fill(plain) })
	t.done.Go(t.sum)
	return t, nil
}

var errTooLarge = errors.New("exceeds the size limit of a layer or archive")

// A tap counts and hashes the bytes that are read through it.
type tap struct {
	io.Reader
	hash.Hash
	n int64
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.n += int64(n)
	if t.Hash != nil {
		t.Hash.Write(p[:n])
	}
	return n, err
}

// fill is the stage that reads and decompresses.
func (t *Tar) fill(plain io.ReadCloser) {
	defer plain.Close()
	for {
		select {
		case <-t.ctx.Done():
			return
		case buf := <-t.free:
			n, err := readFull(plain, buf[:chunkSize])
			if t.left -= int64(n); t.left < 0 {
				err = errTooLarge
			}
			t.full <- chunk{buf[:n], err}
			if err != nil {
				return
			}
		}
	}
}

// readFull is io.ReadFull, except that it returns the error of r: io.EOF at the
// end of a stream, io.ErrUnexpectedEOF (gzip's) for a truncated one.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// sum is the stage that hashes the tar.
func (t *Tar) sum() {
	for {
		select {
		case <-t.ctx.Done():
			return
		case c := <-t.full:
			t.tar.Write(c.data)
			t.hashed <- c
			if c.err != nil {
				return
			}
		}
	}
}

// Read returns the next bytes of the tar. The channels have room for all
// buffers, so no stage blocks while it passes one on.
func (t *Tar) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		if t.now.err != nil {
			return 0, t.now.err
		}
		// give the buffer back
		if t.now.data != nil {
			t.free <- t.now.data
			t.now.data = nil
		}
		if err := t.ctx.Err(); err != nil { // if both cases are ready, select takes either
			return 0, err
		}
		// take the next one
		select {
		case <-t.ctx.Done():
			return 0, t.ctx.Err()
		case t.now = <-t.hashed:
			t.rest = t.now.data
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// Digests reads the rest, and returns the digest of the blob and the diff ID.
func (t *Tar) Digests() (blob, diffID digest.Digest, err error) {
	if _, err := io.Copy(io.Discard, t); err != nil {
		return "", "", err
	}
	diffID = digest.NewDigest(digest.SHA256, t.tar)
	if t.blob == nil {
		return diffID, diffID, nil
	}
	return digest.NewDigest(digest.SHA256, t.blob), diffID, nil
}

// Close stops the other stages and waits for them, until a read of r returns.
func (t *Tar) Close() {
	t.cancel()
	t.done.Wait()
}

// Digests reads a layer to its end and returns the digest of its blob and its
// diff ID. It unpacks nothing.
func Digests(ctx context.Context, r io.Reader) (blob, diffID digest.Digest, err error) {
	t, err := OpenTar(ctx, r, DefaultLimits.Bytes)
	if err != nil {
		return "", "", err
	}
	defer t.Close()
	return t.Digests()
}
