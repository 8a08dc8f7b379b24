package images

// An archive that comes through a pipe, or compressed, is read once, in its own
// order. docker and podman write manifest.json, which says what the other files
// are, last. To store the archive until then would take as long as the whole
// archive, and a second pass. So each file is processed as it arrives, while
// gunzip runs ahead:
//
//   - A file larger than any document can only be a layer. It is stored and
//     unpacked at once. Manifest and config are compared with it later; if no
//     image refers to it, it is removed with the scratch directory.
//   - Any other file, and a layer that the store has by its name, waits in one
//     unnamed temporary file (open(2), O_TMPFILE), which the kernel frees even
//     after SIGKILL.

import (
	"archive/tar"
	"context"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
)

// readStream reads an archive, compressed or not, to the end of its tar.
func (l *loader) readStream(ctx context.Context, r io.Reader) (fs.FS, io.Closer, error) {
	f, err := unnamedFile(l.scratch.path)
	if err != nil {
		return nil, nil, err
	}
	// stage layers, and copy the rest
	stream := layers.ReadAhead(ctx, r, maxArchive)
	defer stream.Close()
	t := &tarball{f, make(map[string]member)}
	err = t.scan(stream, func(h *tar.Header, body io.Reader) (m member, err error) {
		if h.Size > maxConfig && !l.isKnown(h.Name) {
			m.staged, err = l.stage(ctx, body)
			return m, err
		}
		if m.off, err = f.Seek(0, io.SeekCurrent); err == nil {
			_, err = io.Copy(f, body)
		}
		return m, err
	})
	// read the rest: otherwise the writer of a pipe gets SIGPIPE
	if err == nil {
		_, err = io.Copy(io.Discard, stream)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return t, f, nil
}

// isKnown reports whether a file is named after a layer that the store has. If
// that is wrong, only time is lost.
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

// stage stores and unpacks a file that may be a layer. A file that cannot be
// unpacked is only stored: if an image has it as a layer, unpacking it again
// returns the error.
func (l *loader) stage(ctx context.Context, body io.Reader) (*stagedLayer, error) {
	staged, err := l.newStagedLayer()
	if err != nil {
		return nil, err
	}
	defer staged.out.Close()
	if staged.unpack(ctx, body) == nil {
		return staged, nil
	}
	if err := owned.RemoveAll(staged.tree); err != nil {
		return nil, err
	}
	_, err = io.Copy(staged, body)
	return staged, err
}
