package layers

// Looking into a layer without unpacking it: the same stream, the same reading
// of names, but no file is made, and nobody has to be root.

import (
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
)

// A Tar is the uncompressed tar of a layer, read once from start to end.
type Tar struct{ stream *stream }

// OpenTar decompresses r, which is gzip, zstd or plain. A tar of more than max
// bytes is an error. Close ends it, at any time.
func OpenTar(ctx context.Context, r io.Reader, max int64) (*Tar, error) {
	s, err := newStream(ctx, r, max)
	if err != nil {
		return nil, err
	}
	return &Tar{s}, nil
}

func (t *Tar) Read(p []byte) (int, error) { return t.stream.Read(p) }

// Digests reads what is left, and returns the digest of the bytes as they came
// and the diff ID.
func (t *Tar) Digests() (blob, diffID digest.Digest, err error) { return t.stream.digests() }

// Close stops the reading. Where r waits for more, it waits for that.
func (t *Tar) Close() { t.stream.Close() }

// Sign is what the name of a tar's entry says beside the name (image-spec,
// layer.md).
type Marker uint8

const (
	Plain    Marker = iota // the entry is what the layer has there
	Whiteout               // the lower layers' file of this path is gone
	Opaque                 // all that the lower layers have in this folder is gone
	Meta                   // a note of aufs, to be passed over
)

// ParseName reads the name of a tar's entry: the path it speaks of, relative
// to the layer's root, which is "", and what it says of it.
func ParseName(name string) (string, Marker, error) {
	name, err := clean(name)
	if err != nil {
		return "", Plain, err
	}
	if strings.HasPrefix(name, metaPrefix) && name != opaqueMark {
		return name, Meta, nil
	}
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if base == opaqueMark {
		return dir, Opaque, nil
	}
	hidden, ok := strings.CutPrefix(base, whiteoutPrefix)
	switch {
	case !ok:
		return name, Plain, nil
	case hidden == "" || hidden == "." || hidden == "..":
		return "", Plain, errors.New("whiteout of \"" + hidden + "\"")
	}
	return path.Join(dir, hidden), Whiteout, nil
}
