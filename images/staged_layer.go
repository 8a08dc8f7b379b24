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

// A staged layer is a layer in the scratch directory: its blob as it came, and the tree
// that was unpacked from it, in one pass. What is written to a staged layer goes
// into the blob.
type stagedLayer struct {
	loader     *loader
	file, tree string
	unpacked   *layers.Unpacked // nil unless all went well

	out     *os.File
	size    int64
	magic   byte
	flushed int64
}

func (l *loader) newStagedLayer() (*stagedLayer, error) {
	n := l.stagedCount.Add(1)
	p := &stagedLayer{loader: l, file: l.scratch.file(fmt.Sprintf("blob%d", n)), tree: l.scratch.file(fmt.Sprintf("layer%d", n))}
	var err error
	p.out, err = os.OpenFile(p.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return p, err
}

// unpack reads a layer to its end.
func (p *stagedLayer) unpack(ctx context.Context, in io.Reader) (err error) {
	p.unpacked, err = layers.Unpack(ctx, io.TeeReader(in, p), p.tree)
	return err
}

// descriptor describes the blob of an unpacked layer.
func (p *stagedLayer) descriptor() ocispec.Descriptor {
	d := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: p.unpacked.Blob, Size: p.size}
	switch {
	case p.unpacked.Blob == p.unpacked.DiffID:
	case p.magic == 0x28:
		d.MediaType = ocispec.MediaTypeImageLayerZstd
	default:
		d.MediaType = ocispec.MediaTypeImageLayerGzip
	}
	return d
}

const flushEvery = 8 << 20

func (p *stagedLayer) Write(b []byte) (int, error) {
	if p.size == 0 && len(b) > 0 {
		p.magic = b[0]
	}
	n, err := p.out.Write(b)
	p.size += int64(n)
	if p.size-p.flushed >= flushEvery {
		err = errors.Join(err, p.flush())
	}
	p.loader.addProgress(n)
	return n, err
}

// flush has the kernel write the last piece to the disk, and give back the
// memory of the one before. A blob is not read again soon: its pages would
// only push out others, and syncfs would have to wait for all of them.
func (p *stagedLayer) flush() error {
	fd := int(p.out.Fd())
	start := p.flushed - flushEvery
	p.flushed += flushEvery
	if err := unix.SyncFileRange(fd, p.flushed-flushEvery, flushEvery, unix.SYNC_FILE_RANGE_WRITE); err != nil {
		return fmt.Errorf("sync_file_range: %w", err)
	}
	if start < 0 {
		return nil
	}
	const wait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER
	if err := unix.SyncFileRange(fd, start, flushEvery, wait); err != nil {
		return fmt.Errorf("sync_file_range: %w", err)
	}
	return unix.Fadvise(fd, start, flushEvery, unix.FADV_DONTNEED)
}
