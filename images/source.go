package images

// An image to look into need not be loaded: a Source is an image wherever it
// lies, in the store, in an archive or in an OCI layout, and its layers are
// read one by one, when asked for. Nobody has to be root for an archive that
// he may read.
//
// What a layer holds is found by reading all of it, and kept as an index:
//
//	in the store    layers/sha256/<diff ID>/index, beside the unpacked tree
//	else            <cache>/<hash>, in a directory of the user's (source_file.go)
//
// The store's layers never change. Of an archive's the hash covers which file
// it is, and its size and times, so that another archive which only claims to
// hold the same layer is read for itself, and found out.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/minictr/minictr/layers/index"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// A Source is an image that is looked into. Close it.
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
	Blob   digest.Digest // "" where it is not known before the layer is read
	Size   int64         // of the blob

	unpacked int64 // bytes in its files, or -1 where that is not known before
	open     func() (io.ReadCloser, error)
	cache    string // the index's file, or "" where there can be none
}

// Look opens an image of the store, or of a file or directory: src is taken for
// a path where it begins with "/" or ".", or where the store has no image of
// that name. FILE:NAME means one image of several in an archive. Cache is a
// directory for indexes of layers outside the store, or "".
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
	file, name := splitFile(src)
	if file == "" {
		return nil, hint.New(&fs.PathError{Op: "open image", Path: src, Err: fs.ErrNotExist}, "minictr images lists those in the store")
	}
	found, err := openFromArchive(ctx, file, name, cache)
	if err != nil {
		return nil, fmt.Errorf("open image %s: %w", src, err)
	}
	return found, nil
}

// splitFile parts FILE:NAME where the file ends that is there.
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

// look opens an image of the store by its name or ID.
func (s *Store) openStored(name string) (*Source, error) {
	return s.openFound(func(index []ocispec.Descriptor) (ocispec.Descriptor, error) { return s.find(index, name) })
}

// LookManifest opens an image of the store by its manifest's digest.
func (s *Store) ImageByManifest(manifest digest.Digest) (*Source, error) {
	return s.openFound(func(index []ocispec.Descriptor) (ocispec.Descriptor, error) {
		for _, d := range index {
			if d.Digest == manifest {
				return d, nil
			}
		}
		return ocispec.Descriptor{}, fmt.Errorf("open image with manifest %s: %w", manifest, ErrNotFound)
	})
}

// lookFor opens the image that find finds in the index, and keeps it from
// being removed. Who may not take the store's lock looks without it.
func (s *Store) openFound(find func([]ocispec.Descriptor) (ocispec.Descriptor, error)) (src *Source, err error) {
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
	index, err := s.index()
	if err != nil {
		return src, err
	}
	d, err := find(index)
	if err != nil {
		return src, err
	}
	return src, s.fill(src, d)
}

func (s *Store) fill(src *Source, d ocispec.Descriptor) error {
	image, err := s.read(d)
	if err != nil {
		return err
	}
	_, blobs, err := s.manifest(d)
	if err != nil {
		return err
	}
	src.Name, src.ID, src.Config = Familiar(image.Name), image.ID, image.Config
	for i, blob := range blobs {
		src.Layers = append(src.Layers, s.sourceLayer(image.Layers[i], blob))
		if i < len(image.Sizes) {
			src.Layers[i].unpacked = image.Sizes[i]
		}
	}
	return nil
}

func (s *Store) sourceLayer(diffID digest.Digest, blob ocispec.Descriptor) *Layer {
	return &Layer{
		DiffID: diffID, Blob: blob.Digest, Size: blob.Size, unpacked: -1,
		open:  func() (io.ReadCloser, error) { return os.Open(s.blobPath(blob.Digest)) },
		cache: filepath.Join(filepath.Dir(s.layers.Path(diffID)), "index"),
	}
}

// Close ends the looking.
func (src *Source) Close() {
	for _, c := range src.closers {
		c()
	}
}

// Open opens the layer's blob, as it lies there.
func (l *Layer) Open() (io.ReadCloser, error) { return l.open() }

// Indexes tell what each layer holds, lowest first. Those that are not saved
// yet are made, several at a time.
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
	switch {
	case x.DiffID != l.DiffID:
		return nil, fmt.Errorf("it has the diff ID %s", x.DiffID)
	case l.Blob != "" && x.Blob != l.Blob:
		return nil, fmt.Errorf("it has the digest %s, its descriptor says %s", x.Blob, l.Blob)
	}
	writeCache(l.cache, x.Write)
	return x, nil
}

// load returns the saved index. One that is damaged is as good as none: it is
// made again.
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
	return x
}

// writeSaved writes a file that is kept. It has no name before it is whole, so
// nothing is left of it if we are killed. Where it cannot be, on a full disk or
// in another's directory, only the next answer takes longer.
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
	link := func() error {
		return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
	}
	if link() == unix.EEXIST && os.Remove(path) == nil { // a damaged one
		link()
	}
}
