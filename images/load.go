package images

// Load takes an image into the store in an order that keeps an incomplete one
// invisible:
//
//  1. Find the images of the archive, and verify their manifests and configs.
//     (The layers of a stream come first: see archive_stream.go.)
//  2. Store and unpack each new layer in a scratch directory, several at a time,
//     and compare it with manifest and config.
//  3. Commit: see commit.go.

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync/atomic"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/internal/lockfile"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// LoadOptions are the options of Load.
type LoadOptions struct {
	Stdin io.Reader // the archive "-"

	Platforms    []string // os/arch[/variant] of an index; without one, this machine
	AllPlatforms bool     // and what else an index has

	// Progress, unless nil, is called with the bytes of layers that were read, from
	// any goroutine. Total is 0 while it is unknown.
	Progress func(done, total int64)
}

// Load loads all images of the archive src into the store: a file or pipe that
// docker, podman, skopeo or crane wrote, compressed or not; an OCI layout in a
// directory; or "-". It returns their complete names, or the ID of an image
// without a name.
func (s *Store) Load(ctx context.Context, src string, opts LoadOptions) (names []string, err error) {
	if err := s.Create(); err != nil {
		return nil, err
	}
	what := "load " + src
	if err := s.tidy(what); err != nil {
		return nil, err
	}
	err = s.locked(lockfile.Shared, what, func(scratch *scratch) (err error) {
		names, err = s.load(ctx, src, opts, scratch)
		return err
	})
	return names, err
}

// load loads the images in a scratch directory.
func (s *Store) load(ctx context.Context, src string, opts LoadOptions, scratch *scratch) ([]string, error) {
	want, err := newWanted(opts.Platforms, opts.AllPlatforms)
	if err != nil {
		return nil, err
	}
	known, err := s.known()
	if err != nil {
		return nil, err
	}
	l := &loader{store: s, scratch: scratch, known: known, progress: opts.Progress, jobs: make(map[layerSource]*job)}
	// find the images
	closer, err := l.open(ctx, src, opts.Stdin)
	if err != nil {
		return nil, err
	}
	defer closer.Close()
	images, err := findImages(l.archive, want)
	if err != nil {
		return nil, err
	}
	// stage their layers
	l.plan(images)
	if err := l.unpack(ctx); err != nil {
		return nil, err
	}
	names, err := l.commit(images)
	if err != nil {
		return nil, err
	}
	for _, image := range images {
		if id := image.config.Digest.String(); !image.member {
			event(s, "load", id, id)
		}
	}
	return names, nil
}

// A loader is one load.
type loader struct {
	store   *Store
	archive fs.FS
	scratch *scratch
	known   map[digest.Digest]ocispec.Descriptor // see Store.known

	jobs        map[layerSource]*job
	order       []*job // those with a layer to unpack
	stagedCount atomic.Int64
	done, total atomic.Int64 // bytes of layers
	progress    func(done, total int64)
}

// A job is a layer of the archive.
type job struct {
	layerSource
	name   string       // of the layer, for errors
	staged *stagedLayer // nil for a layer that the store has
	desc   ocispec.Descriptor
}

// known returns the blob of each layer of the store's images, by its diff ID. It leaves
// out what is damaged.
func (s *Store) known() (map[digest.Digest]ocispec.Descriptor, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	known := make(map[digest.Digest]ocispec.Descriptor)
	for _, d := range index {
		m, _ := s.members(d) // what can be read
		for _, manifest := range m.manifests {
			image, err := s.read(manifest)
			if err != nil { // or it is not that of an image
				continue
			}
			for i, blob := range image.blobs {
				if hasBlob(s, blob) {
					known[image.Layers[i]] = blob
				}
			}
		}
	}
	return known, nil
}

// open opens the archive.
func (l *loader) open(ctx context.Context, src string, stdin io.Reader) (closer io.Closer, err error) {
	receive := func(r io.Reader) (fs.FS, io.Closer, error) { return l.readStream(ctx, r) }
	if src == "-" {
		l.archive, closer, err = receive(stdin)
	} else {
		l.archive, closer, err = openArchive(src, receive)
	}
	return closer, err
}

// plan makes the jobs, and finds the layers that must be unpacked.
func (l *loader) plan(images []*archiveImage) {
	for _, image := range images {
		for i, src := range image.layers {
			if l.jobs[src] != nil {
				continue
			}
			j := &job{layerSource: src, name: fmt.Sprintf("layer %d of %d, %s", i+1, len(image.layers), src.File)}
			l.jobs[src] = j
			blob, ok := l.known[src.DiffID]
			if ok && (src.Blob == "" || src.Blob == blob.Digest) && l.store.layers.Has(src.DiffID) {
				j.desc = bare(blob)
				continue
			}
			l.order = append(l.order, j)
			l.total.Add(src.Size)
		}
	}
}

// unpack unpacks the layers, as many at a time as there are processors.
func (l *loader) unpack(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, j := range l.order {
		group.Go(func() error {
			if err := l.do(ctx, j); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// do stores the blob of a layer and unpacks it, unless it was staged when it
// arrived, and verifies it.
func (l *loader) do(ctx context.Context, j *job) error {
	in, err := j.open(l.archive)
	if err != nil {
		return err
	}
	defer in.Close()
	if f, ok := in.(stagedFile); ok && f.unpacked != nil {
		j.staged = f.stagedLayer
	} else {
		if j.staged, err = l.newStagedLayer(); err != nil {
			return err
		}
		defer j.staged.out.Close()
		if err := j.staged.unpack(ctx, in); err != nil {
			return cmp.Or(j.corrupt(ctx, l.archive), err)
		}
	}
	if j.Blob == "" { // a docker archive: its manifest is made here
		if err := j.staged.decompress(ctx); err != nil {
			return err
		}
	}
	j.desc = j.staged.descriptor()
	return j.verify(j.desc.Size, j.desc.Digest, j.staged.unpacked.DiffID)
}

// corrupt returns an error if the blob of a layer, which could not be unpacked, is not
// the one of its descriptor.
func (j *job) corrupt(ctx context.Context, archive fs.FS) error {
	if j.Blob == "" {
		return nil
	}
	in, err := j.open(archive)
	if err != nil {
		return err
	}
	defer in.Close()
	hash := digest.SHA256.Digester()
	if _, err := io.Copy(hash.Hash(), contextReader{ctx, in}); err != nil || hash.Digest() == j.Blob {
		return err
	}
	err = fmt.Errorf("blob is corrupt: digest is %s, its descriptor says %s", hash.Digest(), j.Blob)
	return hint.New(err, "save or copy the archive again")
}

// addProgress reports that n more bytes of layers were read.
func (l *loader) addProgress(n int) {
	if done := l.done.Add(int64(n)); l.progress != nil {
		l.progress(done, l.total.Load())
	}
}
