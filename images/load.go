package images

// Loading an image, in the order that keeps half of one from being seen:
//
//  1. Find the images in the bundle, check their manifests and configs.
//  2. In a scratch folder, store and unpack each layer that is new, several
//     at a time, and check that it is what manifest and config say.
//  3. syncfs(2), once for all: cheaper than an fsync(2) for each file.
//  4. Rename layers and blobs into place, and sync their folders.
//  5. Write the names.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/minictr/minictr/layers"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Caps on what is read from a bundle, in bytes.
const (
	maxLayer  = 64 << 30
	maxBundle = 256 << 30
)

// LoadOptions are what Load may be given besides its source.
type LoadOptions struct {
	Stdin    io.Reader               // what the source "-" means
	Progress func(done, total int64) // told about bytes of layers, from any goroutine; may be nil
}

// Load takes all images of src into the store: an archive that docker, podman,
// skopeo or crane wrote, or an OCI layout in a folder. It returns their names,
// complete, or the IDs of those that have none.
func (s *Store) Load(ctx context.Context, src string, opts LoadOptions) ([]string, error) {
	if err := s.create(); err != nil {
		return nil, err
	}
	release, err := s.Hold()
	if err != nil {
		return nil, err
	}
	defer release()
	scratch, err := s.scratch()
	if err != nil {
		return nil, err
	}
	names, err := s.load(ctx, src, opts, scratch)
	if err != nil {
		err = fmt.Errorf("load %s: %w", src, err)
	}
	return names, errors.Join(err, scratch.close())
}

func (s *Store) load(ctx context.Context, src string, opts LoadOptions, scratch *scratch) ([]string, error) {
	bundle, closer, err := openBundle(ctx, src, opts.Stdin, scratch.path)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	images, err := candidates(bundle)
	if err != nil {
		return nil, err
	}
	l := loader{store: s, bundle: bundle, scratch: scratch, progress: opts.Progress, jobs: make(map[source]*job)}
	if err := l.plan(images); err != nil {
		return nil, err
	}
	if err := l.unpack(ctx); err != nil {
		return nil, err
	}
	if err := l.commit(images); err != nil {
		return nil, err
	}
	return l.tag(images)
}

// A loader is one load under way.
type loader struct {
	store   *Store
	bundle  fs.FS
	scratch *scratch

	jobs        map[source]*job
	order       []*job
	done, total atomic.Int64
	progress    func(done, total int64)
}

// A job is a layer of the bundle: to be unpacked, or here already.
type job struct {
	source
	mediaType string
	blobFile  string           // in the scratch folder
	unpacked  *layers.Unpacked // nil for a layer that is here already
	blob      digest.Digest
	size      int64
}

// plan decides which layers have to be unpacked.
func (l *loader) plan(images []*candidate) error {
	known, err := l.store.known()
	if err != nil {
		return err
	}
	for _, c := range images {
		for _, src := range c.layers {
			if l.jobs[src] != nil {
				continue
			}
			j := &job{source: src, mediaType: ocispec.MediaTypeImageLayer}
			l.jobs[src] = j
			if blob, ok := known[src.diffID]; ok && (src.blob == "" || src.blob == blob.Digest) && l.store.layers.Has(src.diffID) {
				j.blob, j.size, j.mediaType = blob.Digest, blob.Size, blob.MediaType
				continue
			}
			l.order = append(l.order, j)
			l.total.Add(src.size)
		}
	}
	return nil
}

// known tells, for each layer of the store's images, the blob it came from.
func (s *Store) known() (map[digest.Digest]ocispec.Descriptor, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	known := make(map[digest.Digest]ocispec.Descriptor)
	for _, d := range index {
		image, err := s.read(d)
		if err != nil {
			return nil, err
		}
		_, blobs, err := s.manifest(d)
		if err != nil {
			return nil, err
		}
		for i, blob := range blobs {
			known[image.Layers[i]] = blob
		}
	}
	return known, nil
}

// unpack does the jobs, as many at a time as there are processors.
func (l *loader) unpack(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, j := range l.order {
		group.Go(func() error {
			if err := l.do(ctx, j, i); err != nil {
				return fmt.Errorf("layer %s: %w", j.file, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// do stores a layer's blob as it came and unpacks it, in one pass.
func (l *loader) do(ctx context.Context, j *job, i int) error {
	in, err := l.bundle.Open(j.file)
	if err != nil {
		return err
	}
	defer in.Close()
	j.blobFile = l.scratch.file(fmt.Sprintf("blob%d", i))
	out, err := os.OpenFile(j.blobFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	count := &meter{loader: l, out: out}
	j.unpacked, err = layers.Unpack(ctx, io.TeeReader(in, count), l.scratch.file(fmt.Sprintf("layer%d", i)))
	if err != nil {
		return err
	}
	j.size, j.blob = count.n, j.unpacked.Blob
	if j.blob != j.unpacked.DiffID {
		j.mediaType = ocispec.MediaTypeImageLayerGzip
		if count.magic == 0x28 {
			j.mediaType = ocispec.MediaTypeImageLayerZstd
		}
	}
	return j.verify()
}

// verify holds what was unpacked against what was announced.
func (j *job) verify() error {
	switch {
	case j.source.blob != "" && j.source.size != j.size:
		return fmt.Errorf("it has %d bytes, its descriptor says %d", j.size, j.source.size)
	case j.source.blob != "" && j.source.blob != j.blob:
		return fmt.Errorf("it has the digest %s, its descriptor says %s", j.blob, j.source.blob)
	case j.source.diffID != j.unpacked.DiffID:
		return fmt.Errorf("it has the diff ID %s, the image's config says %s", j.unpacked.DiffID, j.source.diffID)
	}
	return nil
}

// A meter writes a blob, counts its bytes and remembers its first.
type meter struct {
	loader *loader
	out    *os.File
	n      int64
	magic  byte

	flushed int64
}

const flushEvery = 8 << 20

func (m *meter) Write(p []byte) (int, error) {
	if m.n == 0 && len(p) > 0 {
		m.magic = p[0]
	}
	n, err := m.out.Write(p)
	m.n += int64(n)
	if m.n-m.flushed >= flushEvery {
		err = errors.Join(err, m.flush())
	}
	if done := m.loader.done.Add(int64(n)); m.loader.progress != nil {
		m.loader.progress(done, m.loader.total.Load())
	}
	return n, err
}

// flush has the kernel write the last piece to the disk, and give back the
// memory of the one before. A blob is not read again soon: its pages would
// only push out others, and syncfs would have to wait for all of them.
func (m *meter) flush() error {
	fd := int(m.out.Fd())
	start := m.flushed - flushEvery
	m.flushed += flushEvery
	if err := unix.SyncFileRange(fd, m.flushed-flushEvery, flushEvery, unix.SYNC_FILE_RANGE_WRITE); err != nil {
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

// commit makes blobs and layers visible.
func (l *loader) commit(images []*candidate) error {
	for _, c := range images {
		if err := l.documents(c); err != nil {
			return err
		}
	}
	if err := unix.Syncfs(int(l.scratch.dir.Fd())); err != nil {
		return fmt.Errorf("syncfs %s: %w", l.scratch.path, err)
	}
	for _, j := range l.order {
		if err := l.store.layers.Commit(j.unpacked); err != nil {
			return err
		}
		if err := os.Rename(j.blobFile, l.store.blobPath(j.blob)); err != nil {
			return err
		}
	}
	for _, c := range images {
		for _, d := range []digest.Digest{c.config.Digest, c.manifest.Digest} {
			if err := os.Rename(l.scratch.file(d.Encoded()), l.store.blobPath(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	if len(l.order) > 0 {
		if err := l.store.layers.Sync(); err != nil {
			return err
		}
	}
	return syncDir(l.store.path("blobs", "sha256"))
}

// documents writes an image's config and manifest into the scratch folder.
func (l *loader) documents(c *candidate) error {
	if c.manifestJSON == nil {
		var blobs []ocispec.Descriptor
		for _, src := range c.layers {
			j := l.jobs[src]
			blobs = append(blobs, ocispec.Descriptor{MediaType: j.mediaType, Digest: j.blob, Size: j.size})
		}
		if err := c.makeManifest(blobs); err != nil {
			return err
		}
	}
	for d, data := range map[digest.Digest][]byte{c.config.Digest: c.configJSON, c.manifest.Digest: c.manifestJSON} {
		err := writeFile(l.scratch.file(d.Encoded()), data)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// tag writes the names.
func (l *loader) tag(images []*candidate) ([]string, error) {
	if _, err := os.Stat(l.store.path(ocispec.ImageLayoutFile)); errors.Is(err, fs.ErrNotExist) {
		layout := `{"imageLayoutVersion": "` + ocispec.ImageLayoutVersion + `"}`
		if err := l.store.publish(l.scratch, ocispec.ImageLayoutFile, []byte(layout)); err != nil {
			return nil, err
		}
	}
	var names []string
	sizes := make([][]int64, len(images))
	for i, c := range images {
		names = append(names, c.names...)
		if len(c.names) == 0 {
			names = append(names, c.config.Digest.String())
		}
		for _, src := range c.layers {
			n, err := l.store.layers.Size(src.diffID)
			if err != nil {
				return nil, err
			}
			sizes[i] = append(sizes[i], n)
		}
	}
	return names, l.store.changeIndex(l.scratch, func(index []ocispec.Descriptor) []ocispec.Descriptor {
		for i, c := range images {
			index = tag(index, c.manifest, c.names, sizes[i])
		}
		return index
	})
}
