package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minictr/minictr/layers"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// A stagedLayer is a layer in the scratch directory: its blob, and the tree that is
// unpacked from it in the same pass. Write appends to the blob.
type stagedLayer struct {
	loader     *loader
	file, tree string
	unpacked   *layers.Unpacked // nil if the blob could not be unpacked

	out     *os.File
	size    int64 // of the blob so far, in bytes
	magic   byte  // its first byte
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
	s.unpacked, err = layers.Unpack(ctx, io.TeeReader(in, s), s.tree)
	return err
}

// descriptor returns the descriptor of the blob of an unpacked layer.
func (s *stagedLayer) descriptor() ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: s.unpacked.Blob, Size: s.size}
	switch {
	case s.unpacked.Blob == s.unpacked.DiffID:
	case s.magic == 0x28:
		d.MediaType = ocispec.MediaTypeImageLayerZstd
	default:
		d.MediaType = ocispec.MediaTypeImageLayerGzip
	}
	return d
}

const flushEvery = 8 << 20 // bytes

// Write appends to the blob.
func (s *stagedLayer) Write(b []byte) (int, error) {
	if s.size == 0 && len(b) > 0 {
		s.magic = b[0]
	}
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
