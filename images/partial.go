package images

// While a layer is downloaded, its blob so far is in partial/<hex of its digest>.
// The command that downloads it holds the lock of that file, flock(2).
//
//   - An interrupted command leaves the file. The next pull reads it without
//     verifying it, and asks the registry for the rest. The digest of the whole
//     shows whether the beginning was right; if not, the file is truncated and the
//     layer is downloaded again.
//   - The second of two pulls waits for the lock. When it has the lock, the store
//     has the layer, or the first pull was interrupted and the second resumes it.
//   - A complete blob is renamed into blobs/ while the lock is held. So a locked
//     file without its name is no longer in use.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/images/registry"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// pullLayer downloads a layer, unless the store has it.
func (p *puller) pullLayer(ctx context.Context, src layerSource, tree string) error {
	if present, err := p.hasLayer(ctx, src); present || err != nil {
		return err
	}
	partial, err := openPartial(p.store, ctx, src)
	if err != nil {
		return err
	}
	defer partial.Close()
	if present, err := p.hasLayer(ctx, src); present || err != nil { // by now, from another command
		return errors.Join(err, os.Remove(partial.Name()))
	}
	// resume it; if that was wrong, start again
	begun, err := partial.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	unpacked, kept, err := p.unpackPartial(ctx, src, partial, tree)
	if err != nil && !kept && begun > 0 {
		if err := owned.RemoveAll(tree); err != nil {
			return err
		}
		unpacked, _, err = p.unpackPartial(ctx, src, partial, tree)
	}
	if err != nil {
		return err
	}
	return p.commit(src, partial, unpacked)
}

// hasLayer reports whether the store has the layer, unpacked from this blob.
func (p *puller) hasLayer(ctx context.Context, src layerSource) (bool, error) {
	if !p.store.layers.Has(src.DiffID) {
		return false, nil
	}
	if blob, ok := p.known[src.DiffID]; ok && blob.Digest == src.Blob {
		p.report(src, src.Size)
		return true, nil
	}
	return p.hasUnreferenced(ctx, src)
}

// hasUnreferenced reports whether the store has a layer that no image refers to: a
// pull was interrupted after it. Since no config says that the blob unpacks to the
// layer, it is read.
func (p *puller) hasUnreferenced(ctx context.Context, src layerSource) (bool, error) {
	blob, err := os.Open(p.store.blobPath(src.Blob))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer blob.Close()
	got, diffID, err := layers.Digests(ctx, blob)
	if err != nil || got != src.Blob || diffID != src.DiffID {
		return false, ctx.Err() // corrupt: download it again
	}
	p.report(src, src.Size)
	return true, nil
}

// openPartial opens and locks the file of a partial blob.
func openPartial(s *Store, ctx context.Context, src layerSource) (*os.File, error) {
	path := s.path("partial", src.Blob.Encoded())
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		named := false
		if err = lockfile.LockFile(ctx, f, lockfile.Exclusive); err == nil {
			named, err = lockfile.StillNamed(f, path)
		}
		if named {
			return f, nil
		}
		f.Close()
		if err != nil {
			return nil, err
		}
	}
}

// unpackPartial unpacks a layer from the partial blob, and then from the registry.
// After an error, kept reports whether the download can be resumed; if not, the
// file is empty.
func (p *puller) unpackPartial(ctx context.Context, src layerSource, partial *os.File, tree string) (
	u *layers.Unpacked, kept bool, err error) {
	// join what the file has and what the registry sends
	begun, err := partial.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, true, err
	}
	body := p.from.Blob(ctx, src.Blob, src.Size, begun)
	defer body.Close()
	rest := &savingReader{puller: p, src: src, in: body, out: partial, at: begun}
	u, err = unpackIndexed(ctx, io.MultiReader(io.NewSectionReader(partial, 0, begun), rest), tree)
	if err == nil {
		err = src.verify(rest.at, u.Blob, u.DiffID)
	}
	// what does not unpack, or to something else, may be another blob
	if err != nil && !rest.failed && ctx.Err() == nil {
		err = cmp.Or(wrongBlob(partial, rest, src), err)
	}
	switch {
	case err == nil:
		return u, true, nil
	case rest.failed || ctx.Err() != nil:
		return nil, true, err
	}
	return nil, false, errors.Join(err, partial.Truncate(0))
}

// wrongBlob reads the rest of a blob into its file. It returns an error if the whole is
// another blob than src has.
func wrongBlob(partial *os.File, rest *savingReader, src layerSource) error {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	got, err := digest.FromReader(io.NewSectionReader(partial, 0, rest.at))
	if err != nil {
		return err
	}
	return hint.New(src.verifyBlob(rest.at, got), registry.WrongBytes)
}

// A savingReader writes what is read through it to a partial blob.
type savingReader struct {
	puller *puller
	src    layerSource
	in     io.Reader
	out    *os.File
	at     int64
	failed bool // in, not out
}

// Read reports the progress, too.
func (a *savingReader) Read(b []byte) (int, error) {
	n, err := a.in.Read(b)
	if err != nil && err != io.EOF {
		a.failed = true
	}
	if _, wrong := a.out.WriteAt(b[:n], a.at); wrong != nil {
		return 0, wrong
	}
	a.at += int64(n)
	a.puller.report(a.src, a.at)
	return n, err
}

// commit renames a layer and its blob into place.
func (p *puller) commit(src layerSource, partial *os.File, u *layers.Unpacked) error {
	if err := unix.Syncfs(int(partial.Fd())); err != nil {
		return fmt.Errorf("syncfs %s: %w", partial.Name(), err)
	}
	if err := p.store.layers.Commit(u); err != nil {
		return err
	}
	if err := os.Rename(partial.Name(), p.store.blobPath(src.Blob)); err != nil {
		return err
	}
	if err := p.store.layers.Sync(); err != nil {
		return err
	}
	return syncDir(p.store.path("blobs", "sha256"))
}

// removePartials removes interrupted downloads. It returns their size in bytes.
func removePartials(s *Store) (freed int64, err error) {
	left, err := s.own("partial", isBlob)
	if err != nil {
		return 0, err
	}
	for _, path := range left {
		f, err := lockfile.Try(path, lockfile.Exclusive)
		if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return freed, err
		}
		st, err := f.Stat()
		if named, _ := lockfile.StillNamed(f, path); err == nil && named {
			if err = os.Remove(path); err == nil {
				freed += st.Size()
			}
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return freed, err
		}
	}
	return freed, nil
}
