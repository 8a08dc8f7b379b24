package images

// A saved image is an OCI layout in a tar: oci-layout, index.json and blobs/, byte
// for byte as they were loaded, so that digests do not change. With docker's
// manifest.json it is a docker archive as well, as docker writes it since version
// 25. The same images make the same archive.

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/minictr/minictr/hint"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Formats of archives, as skopeo(1) names them.
const (
	DockerArchive = "docker-archive"
	OCIArchive    = "oci-archive"
)

// SaveOptions are the options of Save.
type SaveOptions struct {
	Format    string
	Platforms []string // os/arch[/variant]; without one, all that the store has
}

// Save writes images, by name or ID, into an archive.
func (s *Store) Save(ctx context.Context, w io.Writer, opts SaveOptions, names ...string) error {
	format := opts.Format
	if format != DockerArchive && format != OCIArchive {
		return fmt.Errorf("save: unknown format %q: must be %s or %s", format, DockerArchive, OCIArchive)
	}
	for _, name := range names { // also if there is no store
		if _, _, err := s.lookup(name); err != nil {
			return err
		}
	}
	// write blobs, then the documents that refer to them
	release, err := s.Hold()
	if err != nil {
		return err
	}
	defer release()
	a := archiveWriter{
		ctx: ctx, store: s, platforms: opts.Platforms,
		tar: tar.NewWriter(w), has: make(map[digest.Digest]bool),
	}
	for _, name := range names {
		if err := a.add(name); err != nil {
			return fmt.Errorf("save %s: %w", name, err)
		}
	}
	if err := a.close(format); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	for _, item := range a.items {
		id := digest.NewDigestFromEncoded(digest.SHA256, path.Base(item.Config)).String()
		event(s, "save", id, id)
	}
	return nil
}

// An archiveWriter writes an archive.
type archiveWriter struct {
	ctx       context.Context
	store     *Store
	platforms []string
	tar       *tar.Writer
	has       map[digest.Digest]bool // blobs

	index ocispec.Index
	items []*dockerItem
}

// A dockerItem is an image in docker's manifest.json.
type dockerItem struct {
	Config   string
	RepoTags []string
	Layers   []string

	manifest digest.Digest
}

// add writes the blobs of an image, and adds it to the documents.
func (a *archiveWriter) add(name string) error {
	_, entry, err := a.store.lookup(name)
	if err != nil {
		return err
	}
	m, whole, err := choose(a.store, entry, a.platforms)
	if err != nil {
		return err
	}
	// blobs
	blobs := slices.Clone(m.manifests)
	if whole {
		blobs = append(blobs, m.indexes...)
	}
	for _, manifest := range m.manifests {
		contents, err := contents(a.store, manifest)
		if err != nil {
			return err
		}
		blobs = append(blobs, contents...)
	}
	for _, blob := range blobs {
		if err := a.blob(blob); err != nil {
			return err
		}
	}
	// index.json: the index, or each manifest with its platform
	tops := m.manifests
	if whole {
		tops = m.indexes[:1]
	}
	full, _ := Normalize(name)
	isName := nameOf(entry) == full // not an ID
	for _, top := range tops {
		own := bare(top)
		if len(tops) > 1 {
			own.Platform = top.Platform
		}
		if isName {
			own.Annotations = map[string]string{containerdName: full, ocispec.AnnotationRefName: full}
		}
		a.index.Manifests = append(a.index.Manifests, own)
	}
	// manifest.json, which has one platform
	main := m.manifests[0]
	if slices.ContainsFunc(m.manifests, func(d ocispec.Descriptor) bool { return d.Digest == entry.Digest }) {
		main = entry
	}
	return a.addItem(main, full, isName)
}

// addItem adds an image to manifest.json.
func (a *archiveWriter) addItem(manifest ocispec.Descriptor, full string, isName bool) error {
	config, layers, err := a.store.manifest(manifest)
	if err != nil {
		return err
	}
	item := a.item(manifest.Digest)
	item.Config, item.Layers = blobFile(config.Digest), nil
	for _, l := range layers {
		item.Layers = append(item.Layers, blobFile(l.Digest))
	}
	if isName && !strings.Contains(full, "@") {
		item.RepoTags = append(item.RepoTags, Familiar(full))
	}
	return nil
}

// item returns the entry of an image in manifest.json, one for all its names.
func (a *archiveWriter) item(manifest digest.Digest) *dockerItem {
	for _, item := range a.items {
		if item.manifest == manifest {
			return item
		}
	}
	item := &dockerItem{manifest: manifest}
	a.items = append(a.items, item)
	return item
}

// blob writes a blob, once, and verifies it.
func (a *archiveWriter) blob(d ocispec.Descriptor) error {
	if a.has[d.Digest] {
		return nil
	}
	a.has[d.Digest] = true
	f, err := os.Open(a.store.blobPath(d.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	hash := digest.SHA256.Digester()
	err = a.file(blobFile(d.Digest), d.Size, io.TeeReader(contextReader{a.ctx, f}, hash.Hash()))
	switch {
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("blob %s is %w: size is not %d bytes", d.Digest, errDamaged, d.Size)
	case err == nil && hash.Digest() != d.Digest:
		err = fmt.Errorf("blob %s is %w: digest is %s", d.Digest, errDamaged, hash.Digest())
	}
	if errors.Is(err, errDamaged) {
		err = hint.New(err, hintRepair)
	}
	return err
}

// A contextReader fails when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func (a *archiveWriter) file(name string, size int64, r io.Reader) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.CopyN(a.tar, r, size)
	return err
}

// close writes the documents that refer to the blobs.
func (a *archiveWriter) close(format string) error {
	a.index.SchemaVersion, a.index.MediaType = 2, ocispec.MediaTypeImageIndex
	// oci-layout, index.json and, for docker, manifest.json
	documents := []struct {
		name    string
		content any
	}{
		{ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}},
		{ocispec.ImageIndexFile, a.index},
		{"manifest.json", a.items},
	}
	if format == OCIArchive {
		documents = slices.Delete(documents, 2, 3)
	}
	// write them
	for _, d := range documents {
		data, err := json.Marshal(d.content)
		if err != nil {
			return err
		}
		if err := a.file(d.name, int64(len(data)), strings.NewReader(string(data))); err != nil {
			return err
		}
	}
	return a.tar.Close()
}
