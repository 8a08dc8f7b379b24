package images

// Tests make images as an archive: a map from names to contents, which is written
// as a directory or as a tar.

import (
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

type archive map[string][]byte

// blob adds a blob of an OCI layout.
func (a archive) blob(mediaType string, data []byte) ocispec.Descriptor {
	d := describe(mediaType, data)
	a[blobFile(d.Digest)] = data
	return d
}

func (a archive) json(mediaType string, v any) ocispec.Descriptor {
	return a.blob(mediaType, encode(v))
}

func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// image adds an image with these layers, each a tar, and returns its manifest.
func (a archive) image(tars ...[]byte) ocispec.Descriptor {
	var layers []ocispec.Descriptor
	for _, l := range tars {
		layers = append(layers, a.blob(ocispec.MediaTypeImageLayerGzip, testkit.Gzip(l)))
	}
	return a.imageOf(configOf(tars...), layers...)
}

// imageOf adds an image with this config and these layers.
func (a archive) imageOf(config any, layers ...ocispec.Descriptor) ocispec.Descriptor {
	d := a.json(ocispec.MediaTypeImageConfig, config)
	return a.json(ocispec.MediaTypeImageManifest, manifestOf(d, layers...))
}

func configOf(tars ...[]byte) ocispec.Image {
	c := ocispec.Image{RootFS: ocispec.RootFS{Type: "layers"}}
	c.OS, c.Architecture = "linux", "amd64"
	for _, l := range tars {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, digest.FromBytes(l))
	}
	return c
}

func manifestOf(config ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Manifest {
	m := ocispec.Manifest{MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers}
	m.SchemaVersion = 2
	return m
}

func indexOf(manifests ...ocispec.Descriptor) ocispec.Index {
	i := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
	i.SchemaVersion = 2
	return i
}

// index adds what makes the archive an OCI layout.
func (a archive) index(manifests ...ocispec.Descriptor) archive {
	a["index.json"] = encode(indexOf(manifests...))
	a["oci-layout"] = []byte(`{"imageLayoutVersion": "1.0.0"}`)
	return a
}

func as(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

// dockerArchive returns what docker save wrote before version 25.
func dockerArchive(tag string, tars ...[]byte) archive {
	a := archive{"config.json": encode(configOf(tars...))}
	item := dockerItem{Config: "config.json", RepoTags: []string{tag}}
	for i, l := range tars {
		name := string('a'+rune(i)) + "/layer.tar"
		a[name] = l
		item.Layers = append(item.Layers, name)
	}
	a["manifest.json"] = encode([]dockerItem{item})
	return a
}

func (a archive) tar() []byte {
	var files []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		files = append(files, name, string(a[name]))
	}
	return tarOf(files...)
}

// tarOf makes a tar of regular files, each a name and a content.
func tarOf(files ...string) []byte {
	var entries []testkit.Entry
	for f := range slices.Chunk(files, 2) {
		entries = append(entries, testkit.File(f[0], 0o644, f[1]))
	}
	return testkit.Tar(entries...)
}

func (a archive) dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range a {
		path := filepath.Join(dir, name)
		testkit.Check(t, os.MkdirAll(filepath.Dir(path), 0o755))
		testkit.Check(t, os.WriteFile(path, data, 0o644))
	}
	return dir
}

func zstandard(data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func writeTemp(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	testkit.Check(t, os.WriteFile(path, data, 0o644))
	return path
}

func newStore(t testing.TB) *Store {
	t.Helper()
	testkit.NeedRoot(t)
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	testkit.Check(t, err)
	return s
}

func mustLoad(t testing.TB, s *Store, src string) []string {
	t.Helper()
	names, err := s.Load(t.Context(), src, LoadOptions{})
	testkit.Check(t, err)
	return names
}

// loadDocker loads a docker archive.
func loadDocker(t testing.TB, s *Store, tag string, tars ...[]byte) {
	t.Helper()
	mustLoad(t, s, writeTemp(t, dockerArchive(tag, tars...).tar()))
}

func mustImage(t testing.TB, s *Store, name string) *Image {
	t.Helper()
	image, err := s.Image(name)
	testkit.Check(t, err)
	return image
}

// wantImages fails unless the store lists n images.
func wantImages(t testing.TB, s *Store, n int) {
	t.Helper()
	if list, err := s.List(); err != nil || len(list) != n {
		t.Errorf("%d images, want %d (%v)", len(list), n, err)
	}
}

// wantFile fails unless a file of the image has this content.
func wantFile(t testing.TB, s *Store, image *Image, name, want string) {
	t.Helper()
	f, err := s.Layers().Open(image.Layers, name)
	testkit.Check(t, err)
	defer f.Close()
	if text, err := io.ReadAll(f); string(text) != want || err != nil {
		t.Errorf("%s has %q, want %q (%v)", name, text, want, err)
	}
}
