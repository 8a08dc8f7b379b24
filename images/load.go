package images

// Loading an image, in the order that keeps half of one from being seen:
//
//  1. Find the images in the archive, check their manifests and configs. (Of
//     a stream the layers come first: see arrive.go.)
//  2. In a scratch directory, store and unpack each layer that is new, several
//     at a time, and check that it is what manifest and config say.
//  3. syncfs(2), once for all: cheaper than an fsync(2) for each file.
//  4. Rename layers and blobs into place, and sync their directories.
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

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Caps on what is read from an archive, in bytes.
const (
	maxLayer   = 64 << 30
	maxArchive = 256 << 30
)

// LoadOptions are what Load may be given besides its source.
type LoadOptions struct {
	Stdin    io.Reader               // what the source "-" means
	Progress func(done, total int64) // told about bytes of layers, from any goroutine; total is 0 while not known; may be nil
}

// Load takes all images of src into the store: an archive that docker, podman,
// skopeo or crane wrote, or an OCI layout in a directory. It returns their names,
// complete, or the IDs of those that have none.
func (s *Store) Load(ctx context.Context, src string, opts LoadOptions) ([]string, error) {
	if err := s.create(); err != nil {
		return nil, err
	}
	scratch, err := s.scratch()
	if err != nil {
		return nil, err
	}
	names, err := s.load(ctx, src, opts, scratch)
	if err != nil {
		err = s.hintRoom(fmt.Errorf("load %s: %w", src, err))
	}
	return names, errors.Join(err, scratch.close())
}

func (s *Store) load(ctx context.Context, src string, opts LoadOptions, scratch *scratch) ([]string, error) {
	if err := s.tidy(scratch); err != nil {
		return nil, err
	}
	release, err := s.Hold()
	if err != nil {
		return nil, err
	}
	defer release()
	known, err := s.known()
	if err != nil {
		return nil, err
	}
	l := &loader{store: s, scratch: scratch, known: known, progress: opts.Progress, jobs: make(map[layerSource]*job)}
	receive := func(r io.Reader) (fs.FS, io.Closer, error) { return l.readStream(ctx, r) }
	archive, closer, err := openArchive(src, opts.Stdin, receive)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	l.archive = archive
	images, err := findImages(archive)
	if err != nil {
		return nil, err
	}
	l.plan(images)
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
	archive fs.FS
	scratch *scratch
	known   map[digest.Digest]ocispec.Descriptor // see Store.known

	jobs        map[layerSource]*job
	order       []*job
	stagedCount atomic.Int64
	done, total atomic.Int64
	progress    func(done, total int64)
}

// A job is a layer of the archive: to be unpacked, or here already.
type job struct {
	layerSource
	staged *stagedLayer // nil for a layer that is here already
	desc   ocispec.Descriptor
}

// plan decides which layers have to be unpacked.
func (l *loader) plan(images []*archiveImage) {
	for _, c := range images {
		for _, src := range c.layers {
			if l.jobs[src] != nil {
				continue
			}
			j := &job{layerSource: src}
			l.jobs[src] = j
			if blob, ok := l.known[src.diffID]; ok && (src.blob == "" || src.blob == blob.Digest) && l.store.layers.Has(src.diffID) {
				j.desc = ocispec.Descriptor{MediaType: blob.MediaType, Digest: blob.Digest, Size: blob.Size}
				continue
			}
			l.order = append(l.order, j)
			l.total.Add(src.size)
		}
	}
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
	for _, j := range l.order {
		group.Go(func() error {
			if err := l.do(ctx, j); err != nil {
				return fmt.Errorf("layer %s: %w", j.file, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// do stores a layer's blob as it came and unpacks it, unless that was done
// when it arrived.
func (l *loader) do(ctx context.Context, j *job) error {
	in, err := l.archive.Open(j.file)
	if err != nil {
		return err
	}
	defer in.Close()
	if a, ok := in.(stagedFile); ok && a.unpacked != nil {
		j.staged = a.stagedLayer
		return j.verify()
	}
	if j.staged, err = l.newStagedLayer(); err != nil {
		return err
	}
	defer j.staged.out.Close()
	if err := j.staged.unpack(ctx, in); err != nil {
		return err
	}
	return j.verify()
}

// verify holds what was unpacked against what was announced.
func (j *job) verify() error {
	j.desc = j.staged.descriptor()
	switch diffID := j.staged.unpacked.DiffID; {
	case j.blob != "" && j.size != j.desc.Size:
		return fmt.Errorf("it has %d bytes, its descriptor says %d", j.desc.Size, j.size)
	case j.blob != "" && j.blob != j.desc.Digest:
		return fmt.Errorf("it has the digest %s, its descriptor says %s", j.desc.Digest, j.blob)
	case j.diffID != diffID:
		return fmt.Errorf("it has the diff ID %s, the image's config says %s", diffID, j.diffID)
	}
	return nil
}

// count tells the progress: how many more bytes of layers have been read.
func (l *loader) addProgress(n int) {
	if done := l.done.Add(int64(n)); l.progress != nil {
		l.progress(done, l.total.Load())
	}
}

// commit makes blobs and layers visible.
func (l *loader) commit(images []*archiveImage) error {
	for _, c := range images {
		if err := l.documents(c); err != nil {
			return err
		}
	}
	if err := unix.Syncfs(int(l.scratch.dir.Fd())); err != nil {
		return fmt.Errorf("syncfs %s: %w", l.scratch.path, err)
	}
	committed := make(map[*stagedLayer]bool) // one may serve two jobs
	for _, j := range l.order {
		if committed[j.staged] {
			continue
		}
		committed[j.staged] = true
		if err := l.store.layers.Commit(j.staged.unpacked); err != nil {
			return err
		}
		if err := os.Rename(j.staged.file, l.store.blobPath(j.desc.Digest)); err != nil {
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

// documents writes an image's config and manifest into the scratch directory.
func (l *loader) documents(c *archiveImage) error {
	if c.manifestJSON == nil {
		var blobs []ocispec.Descriptor
		for _, src := range c.layers {
			blobs = append(blobs, l.jobs[src].desc)
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
func (l *loader) tag(images []*archiveImage) ([]string, error) {
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
