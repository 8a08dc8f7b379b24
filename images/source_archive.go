package images

// A compressed archive is decompressed into an unnamed file before it can be read.
// So not only the indexes of its layers are cached, but also the configs of its
// images: then it is not opened again, unless the content of a file is read.

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// openFromArchive opens the image of this name in an archive. The name may be "" if
// there is one image only.
func openFromArchive(ctx context.Context, file, name, cache string) (src *Source, err error) {
	b := &lazyArchive{ctx: ctx, file: file}
	src = &Source{closers: []func(){b.close}}
	defer func() {
		if err != nil {
			src.Close()
		}
	}()
	// choose the image
	all, err := b.images(cache)
	if err != nil {
		return src, err
	}
	image, err := pick(all, file, name)
	if err != nil {
		return src, err
	}
	config, err := parseConfig(image.configJSON, len(image.layers))
	if err != nil {
		return src, err
	}
	// describe it
	src.ID, src.Config = digest.FromBytes(image.configJSON), *config
	if len(image.names) > 0 {
		src.Name = Familiar(image.names[0])
	}
	for _, l := range image.layers {
		src.Layers = append(src.Layers, &Layer{
			DiffID: l.DiffID, Blob: l.Blob, Size: l.Size, unpacked: -1,
			open:  func() (io.ReadCloser, error) { return b.layer(l) },
			cache: cachePath(cache, file, l.File, l.DiffID.String()),
		})
	}
	return src, nil
}

// A lazyArchive is an archive that is opened when a file of it is read.
type lazyArchive struct {
	ctx  context.Context
	file string

	once       sync.Once
	files      fs.FS
	closer     io.Closer
	compressed bool // or a FIFO
	err        error
}

func (b *lazyArchive) open() (fs.FS, error) {
	b.once.Do(func() {
		b.files, b.closer, b.err = openArchive(b.file, func(r io.Reader) (fs.FS, io.Closer, error) {
			b.compressed = true
			return decompressToTemp(b.ctx, r)
		})
	})
	return b.files, b.err
}

func (b *lazyArchive) close() {
	if b.closer != nil {
		b.closer.Close()
	}
}

func (b *lazyArchive) layer(l layerSource) (io.ReadCloser, error) {
	archive, err := b.open()
	if err != nil {
		return nil, err
	}
	return l.open(archive)
}

// A cachedImage is what is cached of an image in a compressed archive, as JSON.
type cachedImage struct {
	Names  []string
	Config []byte
	Layers []layerSource
}

// images returns the images of the archive, from the cache if they are there.
func (b *lazyArchive) images(cache string) (all []*archiveImage, err error) {
	saved := cachePath(cache, b.file, "", "images")
	var cached []cachedImage
	if data, err := os.ReadFile(saved); err == nil && json.Unmarshal(data, &cached) == nil {
		for _, n := range cached {
			all = append(all, &archiveImage{names: n.Names, configJSON: n.Config, layers: n.Layers})
		}
		return all, nil
	}
	archive, err := b.open()
	if err != nil {
		return nil, err
	}
	if all, err = findImages(archive, thisMachine()); err != nil || !b.compressed || saved == "" {
		return all, err
	}
	// cache those of a compressed archive
	for _, image := range all {
		if slices.ContainsFunc(image.layers, func(l layerSource) bool { return l.Data != "" }) {
			return all, nil // which JSON cannot hold
		}
		cached = append(cached, cachedImage{image.names, image.configJSON, image.layers})
	}
	writeCache(saved, func(w io.Writer) error { return json.NewEncoder(w).Encode(cached) })
	return all, nil
}

// pick returns the image of a name, or of an ID or its prefix.
func pick(all []*archiveImage, file, name string) (*archiveImage, error) {
	if name == "" && len(all) == 1 {
		return all[0], nil
	}
	var names []string
	full, _ := Normalize(name)
	for _, image := range all {
		id := digest.FromBytes(image.configJSON).Encoded()
		hasPrefix := strings.HasPrefix(id, strings.TrimPrefix(name, "sha256:"))
		if name != "" && (hasPrefix || slices.Contains(image.names, full)) {
			return image, nil
		}
		if len(image.names) == 0 {
			names = append(names, id[:12])
		}
		for _, n := range image.names {
			names = append(names, Familiar(n))
		}
	}
	// none: list them
	if len(all) == 0 {
		return nil, errors.New("archive has no image")
	}
	err := fmt.Errorf("archive has %d images: %s", len(all), strings.Join(names, ", "))
	return nil, hint.New(err, "choose one: "+file+":"+names[0])
}

// cachePath returns the file of the cache for what of an archive, or of a layer in
// it. No other file, and no other content of the same file, has that path. It is ""
// if nothing can be cached.
func cachePath(cache, file, layer, what string) string {
	if cache == "" {
		return ""
	}
	var st unix.Stat_t
	err := unix.Stat(file, &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = unix.Stat(filepath.Join(file, filepath.FromSlash(layer)), &st)
	}
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return ""
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return ""
	}
	key := fmt.Sprintf("%d %d %d %v %v %s %s", st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim, what, layer)
	return filepath.Join(cache, fmt.Sprintf("%x", sha256.Sum256([]byte(key))))
}
