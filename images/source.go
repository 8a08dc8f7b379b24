package images

// A Source is an image that is opened for reading, without loading it: in the
// store, in an archive or in an OCI layout. Its layers are read one by one, on
// demand. An archive that a user can read needs no root.
//
// The contents of a layer are known after all of it was read, and kept as an
// index:
//
//	in the store    layers/sha256/<diff ID>/index, beside the unpacked tree
//	elsewhere       <cache>/<hash>, in a directory of the user (source_archive.go)
//
// The layers of the store never change. For an archive, the hash covers the inode
// of the file, its size and its times. So another archive that claims to hold the
// same layer is read itself, and the claim is verified.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers/index"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// indexFile is the name of the index beside an unpacked layer.
const indexFile = "index"

// A Source is an image that is opened for reading. Close it after use.
type Source struct {
	Name   string // familiar, or "" for an image without a name
	ID     digest.Digest
	Config ocispec.Image
	Layers []*Layer // lowest first

	closers []func()
}

// A Layer is one layer of a Source.
type Layer struct {
	DiffID digest.Digest
	Blob   digest.Digest // "" if it is unknown until the layer is read
	Size   int64         // of the blob in bytes

	unpacked int64          // bytes in its files, or -1 if it is unknown until the layer is read
	contents index.Contents // of the unpacked layer, or nil
	open     func() (io.ReadCloser, error)
	cache    string // the file of its index, or "" for none
}

// OpenReadOnly opens an image of the store or of an archive. Src is a path if it
// begins with "/" or ".", or if the store has no image of that name. FILE:NAME is
// one of several images in an archive. Cache is the directory for indexes of layers
// outside the store, or "" for none.
func (s *Store) OpenReadOnly(ctx context.Context, src, cache string) (*Source, error) {
	if !strings.HasPrefix(src, "/") && !strings.HasPrefix(src, ".") {
		found, err := s.openStored(src)
		if err == nil {
			return found, nil
		}
		if file, _ := splitFile(src); file == "" {
			return nil, err
		}
	}
	// an archive
	file, name := splitFile(src)
	if file == "" {
		err := &fs.PathError{Op: "open image", Path: src, Err: fs.ErrNotExist}
		return nil, hint.New(err, "list the images of the store with: minictr images")
	}
	found, err := openFromArchive(ctx, file, name, cache)
	if err != nil {
		return nil, fmt.Errorf("open image %s: %w", src, err)
	}
	return found, nil
}

// splitFile splits FILE:NAME after the first file that exists.
func splitFile(src string) (file, name string) {
	for i := 0; i <= len(src); i++ {
		if i < len(src) && src[i] != ':' {
			continue
		}
		if _, err := os.Stat(src[:i]); err == nil {
			return src[:i], strings.TrimPrefix(src[i:], ":")
		}
	}
	return "", ""
}

// openStored opens an image of the store by its name or ID.
func (s *Store) openStored(name string) (*Source, error) {
	return openFound(s, func(index []ocispec.Descriptor) (ocispec.Descriptor, error) {
		return s.find(index, name)
	})
}

// ImageByManifest opens an image of the store by the digest of its manifest.
func (s *Store) ImageByManifest(manifest digest.Digest) (*Source, error) {
	return openFound(s, func(index []ocispec.Descriptor) (ocispec.Descriptor, error) {
		for _, d := range index {
			if d.Digest == manifest {
				return d, nil
			}
		}
		for _, d := range index { // one of another platform
			m, err := s.members(d)
			at := slices.IndexFunc(m.manifests, func(d ocispec.Descriptor) bool { return d.Digest == manifest })
			if err == nil && at >= 0 {
				return m.manifests[at], nil
			}
		}
		return ocispec.Descriptor{}, fmt.Errorf("open image with manifest %s: %w", manifest, ErrNotFound)
	})
}

// openFound opens the image that find returns, and keeps it from being removed. A
// user without permission for the lock opens it without that.
func openFound(s *Store, find func([]ocispec.Descriptor) (ocispec.Descriptor, error)) (src *Source, err error) {
	src = new(Source)
	defer func() {
		if err != nil {
			src.Close()
		}
	}()
	if release, err := s.Hold(); err == nil {
		src.closers = append(src.closers, release)
	} else if !errors.Is(err, fs.ErrPermission) && !errors.Is(err, fs.ErrNotExist) {
		return src, err
	}
	// find it
	index, err := s.index()
	if err != nil {
		return src, err
	}
	d, err := find(index)
	if err != nil {
		return src, err
	}
	return src, fill(s, src, d)
}

// fill reads the image of a descriptor.
func fill(s *Store, src *Source, d ocispec.Descriptor) error {
	image, err := s.read(d)
	if err != nil {
		return err
	}
	src.Name, src.ID, src.Config = Familiar(image.Name), image.ID, image.Config
	for i, blob := range image.blobs {
		src.Layers = append(src.Layers, sourceLayer(s, image.Layers[i], blob))
		if i < len(image.Sizes) {
			src.Layers[i].unpacked = image.Sizes[i]
		}
	}
	return nil
}

// sourceLayer returns a layer of the store.
func sourceLayer(s *Store, diffID digest.Digest, blob ocispec.Descriptor) *Layer {
	return &Layer{
		DiffID: diffID, Blob: blob.Digest, Size: blob.Size, unpacked: -1,
		contents: func(path string) (io.ReadCloser, error) { return s.layers.Open([]digest.Digest{diffID}, path) },
		open:     func() (io.ReadCloser, error) { return os.Open(s.blobPath(blob.Digest)) },
		cache:    filepath.Join(filepath.Dir(s.layers.Path(diffID)), indexFile),
	}
}

// Close closes the archive, or allows the image to be removed again.
func (src *Source) Close() {
	for _, c := range src.closers {
		c()
	}
}

// Open opens the blob of the layer, which may be compressed.
func (l *Layer) Open() (io.ReadCloser, error) { return l.open() }

// Indexes returns the index of each layer, lowest first. Those that are not cached
// are made, several at a time.
func (src *Source) Indexes(ctx context.Context) ([]*index.Index, error) {
	all := make([]*index.Index, len(src.Layers))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, l := range src.Layers {
		group.Go(func() (err error) {
			if all[i], err = l.index(ctx); err != nil {
				err = fmt.Errorf("layer %d, %s: %w", i+1, l.DiffID, err)
			}
			return err
		})
	}
	return all, group.Wait()
}

// index returns the index, from the cache if it is there.
func (l *Layer) index(ctx context.Context) (*index.Index, error) {
	if x := l.readCache(); x != nil {
		return x, nil
	}
	in, err := l.open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	x, err := index.Read(ctx, in)
	if err != nil {
		return nil, err
	}
	claimed := layerSource{Size: x.BlobSize, Blob: l.Blob, DiffID: l.DiffID}
	if err := claimed.verify(x.BlobSize, x.Blob, x.DiffID); err != nil {
		return nil, err
	}
	writeCache(l.cache, x.Write)
	return x, nil
}

// readCache returns the cached index, or nil if there is none or a corrupt one.
func (l *Layer) readCache() *index.Index {
	f, err := os.Open(l.cache)
	if err != nil {
		return nil
	}
	defer f.Close()
	x, err := index.Parse(f)
	if err != nil || x.DiffID != l.DiffID {
		return nil
	}
	if l.contents != nil {
		x.SetContents(l.contents)
	}
	return x
}

// writeCache writes a file of the cache. The file has no name until it is complete,
// so a killed command leaves nothing. Errors are ignored: without the file, the
// next command takes longer.
func writeCache(path string, write func(io.Writer) error) {
	if path == "" {
		return
	}
	f, err := os.OpenFile(filepath.Dir(path), unix.O_TMPFILE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	if write(f) != nil {
		return
	}
	// give it its name, as open(2) says in O_TMPFILE
	link := func() error {
		file := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
		return unix.Linkat(unix.AT_FDCWD, file, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	if link() == unix.EEXIST && os.Remove(path) == nil { // a corrupt one
		link()
	}
}
