package images

// Images made for tests: an archive is a map from names to contents, written as
// a directory or as a tar.

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("unpacking layers needs root")
	}
}

type archive map[string][]byte

// blob puts a blob where an OCI layout has it.
func (b archive) blob(mediaType string, data []byte) ocispec.Descriptor {
	d := describe(mediaType, data)
	b[blobFile(d.Digest)] = data
	return d
}

func (b archive) json(t testing.TB, mediaType string, v any) ocispec.Descriptor {
	t.Helper()
	return b.blob(mediaType, encode(t, v))
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// image puts an image with these layers, each a tar, and returns its manifest.
func (b archive) image(t testing.TB, tars ...[]byte) ocispec.Descriptor {
	t.Helper()
	var parts []ocispec.Descriptor
	for _, l := range tars {
		parts = append(parts, b.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, l)))
	}
	config := b.json(t, ocispec.MediaTypeImageConfig, configOf(tars...))
	return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, parts...))
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

// index completes the archive to an OCI layout.
func (b archive) index(t testing.TB, manifests ...ocispec.Descriptor) archive {
	t.Helper()
	index := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: manifests}
	index.SchemaVersion = 2
	b["index.json"] = encode(t, index)
	b["oci-layout"] = []byte(`{"imageLayoutVersion": "1.0.0"}`)
	return b
}

func as(d ocispec.Descriptor, name string) ocispec.Descriptor {
	d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	return d
}

// docker puts what an old docker save writes.
func dockerArchive(t testing.TB, tag string, tars ...[]byte) archive {
	t.Helper()
	b := archive{"config.json": encode(t, configOf(tars...))}
	var files []string
	for i, l := range tars {
		name := string('a'+rune(i)) + "/layer.tar"
		b[name] = l
		files = append(files, name)
	}
	b["manifest.json"] = encode(t, []map[string]any{{"Config": "config.json", "RepoTags": []string{tag}, "Layers": files}})
	return b
}

func (b archive) tar(t testing.TB) []byte {
	t.Helper()
	files := make(map[string]string)
	for name, data := range b {
		files[name] = string(data)
	}
	return tarOf(t, files)
}

// tarOf makes a tar of regular files.
func tarOf(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func (b archive) dir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range b {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(data, nil)
}

func writeTemp(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func newStore(t testing.TB) *Store {
	t.Helper()
	needRoot(t)
	s, err := Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustLoad(t testing.TB, s *Store, src string) []string {
	t.Helper()
	names, err := s.Load(t.Context(), src, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
