package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/minictr/minictr/layers"
	"github.com/minictr/minictr/layers/index"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A stagedLayer is a layer in the scratch directory: its blob, and the tree that is
// unpacked from it in the same pass. Write appends to the blob.
type stagedLayer struct {
	loader     *loader
	file, tree string
	unpacked   *layers.Unpacked // nil if the blob could not be unpacked
	mutex      sync.Mutex       // of decompress: two jobs may have the layer

	out     *os.File
	size    int64 // of the blob so far, in bytes
	flushed int64 // bytes that are on their way to the disk
}

// newStagedLayer opens the blob for writing. The caller closes out.
func (l *loader) newStagedLayer() (*stagedLayer, error) {
	n := l.stagedCount.Add(1)
	blob, tree := fmt.Sprintf("blob%d", n), fmt.Sprintf("layer%d", n)
	s := &stagedLayer{loader: l, file: l.scratch.file(blob), tree: l.scratch.file(tree)}
	var err error
	s.out, err = os.OpenFile(s.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return s, err
}

// unpack stores and unpacks a layer.
func (s *stagedLayer) unpack(ctx context.Context, in io.Reader) (err error) {
	s.unpacked, err = unpackIndexed(ctx, io.TeeReader(in, s), s.tree)
	return err
}

// unpackIndexed unpacks a layer into a scratch directory, and writes its index there. An
// index that cannot be written is left out: see writeCache.
func unpackIndexed(ctx context.Context, in io.Reader, tree string) (*layers.Unpacked, error) {
	file, err := os.OpenFile(tree+".index", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	w := index.NewWriter(file)
	u, err := layers.UnpackAndList(ctx, in, tree, w.Add)
	if err != nil || w.Close(u) != nil {
		return u, errors.Join(err, os.Remove(file.Name()))
	}
	return u, os.Rename(file.Name(), filepath.Join(tree, indexFile))
}

// descriptor returns the descriptor of the blob of an unpacked layer.
func (s *stagedLayer) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: layerTypes[s.unpacked.Compression], Digest: s.unpacked.Blob, Size: s.size}
}

// layerTypes has the media type for a layer of each compression that image-spec has one
// for (layer.md).
var layerTypes = map[layers.Compression]string{
	layers.Uncompressed: ocispec.MediaTypeImageLayer,
	layers.Gzip:         ocispec.MediaTypeImageLayerGzip,
	layers.Zstd:         ocispec.MediaTypeImageLayerZstd,
}

// decompress replaces the blob of an unpacked layer by its tar, if its compression has
// no media type.
func (s *stagedLayer) decompress(ctx context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if layerTypes[s.unpacked.Compression] != "" {
		return nil
	}
	in, err := os.Open(s.file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(s.file+".tar", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	tar := layers.ReadAhead(ctx, in, layers.DefaultLimits.Bytes)
	defer tar.Close()
	if s.size, err = io.Copy(out, tar); err != nil {
		return err
	}
	s.unpacked.Blob, s.unpacked.Compression = s.unpacked.DiffID, layers.Uncompressed
	if err := os.Remove(filepath.Join(s.tree, indexFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // it names the other blob
	}
	return os.Rename(out.Name(), s.file)
}

const flushEvery = 8 << 20 // bytes

// Write appends to the blob.
func (s *stagedLayer) Write(b []byte) (int, error) {
	n, err := s.out.Write(b)
	s.size += int64(n)
	if s.size-s.flushed >= flushEvery {
		err = errors.Join(err, s.flush())
	}
	s.loader.addProgress(n)
	return n, err
}

// flush starts to write the last flushEvery bytes to the disk, and drops the ones
// before from the page cache. A blob is not read again soon: its pages would only
// evict others, and syncfs(2) would wait for all of them.
func (s *stagedLayer) flush() error {
	fd := int(s.out.Fd())
	start := s.flushed - flushEvery
	s.flushed += flushEvery
	if err := unix.SyncFileRange(fd, s.flushed-flushEvery, flushEvery, unix.SYNC_FILE_RANGE_WRITE); err != nil {
		return fmt.Errorf("sync_file_range: %w", err)
	}
	if start < 0 {
		return nil
	}
	// POSIX_FADV_DONTNEED drops clean pages only: wait until they are written
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	if err := unix.SyncFileRange(fd, start, flushEvery, wait); err != nil {
		return fmt.Errorf("sync_file_range: %w", err)
	}
	return unix.Fadvise(fd, start, flushEvery, unix.FADV_DONTNEED)
}
