package images

// An archive that comes through a pipe, or compressed, comes once and in its
// own order: docker and podman write manifest.json, which says what the other
// files are, last. To keep it all until then would make the load wait for the
// whole archive, and then read it a second time. So each file is dealt with as
// it arrives, while gunzip goes on ahead:
//
//   - One larger than any document may be can only be a layer. It is stored
//     and unpacked at once. Whether it is what an image wants, digest and diff
//     ID tell later; what nobody asked for goes with the scratch directory.
//   - All else, and a layer whose name says that the store has it, waits in
//     one nameless temporary file (open(2), O_TMPFILE), which the kernel frees
//     even after kill -9.

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// receive reads a stream, compressed or not, to the end of its tar.
func (l *loader) readStream(ctx context.Context, r io.Reader) (fs.FS, io.Closer, error) {
	f, err := os.OpenFile(l.scratch.path, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, err
	}
	stream := layers.ReadAhead(ctx, r, maxArchive)
	defer stream.Close()
	t := &tarball{f, make(map[string]member)}
	err = t.scan(stream, func(h *tar.Header, body io.Reader) (s member, err error) {
		if h.Size > maxConfig && !l.isKnown(h.Name) {
			s.staged, err = l.stage(ctx, body)
			return s, err
		}
		if s.off, err = f.Seek(0, io.SeekCurrent); err == nil {
			_, err = io.Copy(f, body)
		}
		return s, err
	})
	if err == nil {
		_, err = io.Copy(io.Discard, stream) // its writer is not to die of SIGPIPE
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return t, f, nil
}

// hasBlob guesses from a file's name whether it is a layer that the store
// has. A wrong guess costs time, no more.
func (l *loader) isKnown(name string) bool {
	hex, _, _ := strings.Cut(path.Base(name), ".")
	d := digest.NewDigestFromEncoded(digest.SHA256, hex)
	for diffID, blob := range l.known {
		if d == diffID || d == blob.Digest {
			return true
		}
	}
	return false
}

// arrive stores and unpacks what may be a layer. If it turns out to be none,
// its bytes are kept nevertheless: whoever needs them as a layer is then told
// what is wrong with them.
func (l *loader) stage(ctx context.Context, body io.Reader) (*stagedLayer, error) {
	p, err := l.newStagedLayer()
	if err != nil {
		return nil, err
	}
	defer p.out.Close()
	if p.unpack(ctx, body) == nil {
		return p, nil
	}
	if err := os.RemoveAll(p.tree); err != nil {
		return nil, err
	}
	_, err = io.Copy(p, body)
	return p, err
}
