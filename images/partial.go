package images

// A layer on its way lies in partial/<hex of its digest>: the beginning of its
// blob, as far as it came. Whoever fetches it holds that file's lock, flock(2).
//
//   - Who was interrupted leaves the file. The next pull reads it, checks
//     nothing yet, and asks the registry for the rest. The digest of the whole
//     tells in the end whether the beginning was right; if not, the file is
//     emptied and the layer is fetched once more.
//   - Of two pulls at once the second waits for the lock. When it has it, the
//     layer is here, or the first pull was interrupted and the second goes on.
//   - A blob that is whole is renamed into blobs/, the lock still held: so a
//     file that is locked but no longer in its place is done with.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/minictr/minictr/internal/lockfile"
	"github.com/minictr/minictr/layers"
	"golang.org/x/sys/unix"
)

// layer makes sure that a layer is here.
func (p *puller) pullLayer(ctx context.Context, src layerSource, tree string) error {
	if here, err := p.hasLayer(ctx, src); here || err != nil {
		return err
	}
	partial, err := p.store.openPartial(ctx, src)
	if err != nil {
		return err
	}
	defer partial.Close()
	if here, err := p.hasLayer(ctx, src); here || err != nil { // since somebody else fetched it
		return errors.Join(err, os.Remove(partial.Name()))
	}
	begun, err := partial.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	unpacked, kept, err := p.receive(ctx, src, partial, tree)
	if err != nil && !kept && begun > 0 { // the beginning was wrong
		if err := os.RemoveAll(tree); err != nil {
			return err
		}
		unpacked, _, err = p.receive(ctx, src, partial, tree)
	}
	if err != nil {
		return err
	}
	return p.commit(src, partial, unpacked)
}

// here: the store has the layer, and has the blob that it came from.
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

// hereUnnamed looks for a layer that no image has, which a pull left that was
// interrupted later. Nothing says that this blob unpacks to this layer, so it
// is read.
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
		return false, ctx.Err() // no longer what it was: fetch it anew
	}
	p.report(src, src.Size)
	return true, nil
}

// openPartial opens and locks the file for a layer on its way.
func (s *Store) openPartial(ctx context.Context, src layerSource) (*os.File, error) {
	path := s.path("partial", src.Blob.Encoded())
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
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

// receive unpacks a layer from what is here of it, and then from what comes.
// After an error, kept tells whether the bytes here may be gone on with; if
// not, the file is empty again.
func (p *puller) receive(ctx context.Context, src layerSource, partial *os.File, tree string) (u *layers.Unpacked, kept bool, err error) {
	begun, err := partial.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, true, err
	}
	body := p.from.Blob(ctx, src.Blob, src.Size, begun)
	defer body.Close()
	coming := &arriving{puller: p, src: src, in: body, out: partial, done: begun}
	u, err = layers.Unpack(ctx, io.MultiReader(io.NewSectionReader(partial, 0, begun), coming), tree)
	switch {
	case err != nil && (coming.cut || ctx.Err() != nil):
		return nil, true, err
	case err == nil && coming.done != src.Size:
		err = fmt.Errorf("it has %d bytes, its descriptor says %d", coming.done, src.Size)
	case err == nil && u.Blob != src.Blob:
		err = fmt.Errorf("it has the digest %s, its descriptor says %s", u.Blob, src.Blob)
	case err == nil && u.DiffID != src.DiffID:
		err = fmt.Errorf("it has the diff ID %s, the image's config says %s", u.DiffID, src.DiffID)
	}
	if err != nil {
		return nil, false, errors.Join(err, partial.Truncate(0))
	}
	return u, true, nil
}

// arriving is what comes of a layer; it is kept as it is read.
type arriving struct {
	puller *puller
	src    layerSource
	in     io.Reader
	out    *os.File
	done   int64
	cut    bool // the registry is to blame
}

func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.in.Read(b)
	if err != nil && err != io.EOF {
		a.cut = true
	}
	if _, wrong := a.out.WriteAt(b[:n], a.done); wrong != nil {
		return 0, wrong
	}
	a.done += int64(n)
	a.puller.report(a.src, a.done)
	return n, err
}

// commit makes a layer and its blob visible.
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

// dropPartials removes what interrupted pulls have left, and returns how many
// bytes that were.
func (s *Store) removePartials() (freed int64, err error) {
	left, err := filepath.Glob(s.path("partial", "*"))
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
