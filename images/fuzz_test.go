package images

// Fuzz targets of archives, configs and stores. That of manifests is in
// hostile_test.go, that of names in reference_test.go.

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/minictr/minictr/internal/owned"
	"github.com/minictr/minictr/internal/testkit"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// addDocuments adds the manifests, indexes and configs of the torture image.
func addDocuments(f *testing.F, add func([]byte)) {
	f.Helper()
	for _, data := range testkit.SmallFiles(f, filepath.Join(torture, "oci-gzip.tar"), 8192) {
		if json.Valid(data) {
			add(data)
		}
	}
}

// FuzzConfig parses any image config: what is accepted has a valid diff ID for each
// layer.
func FuzzConfig(f *testing.F) {
	addDocuments(f, func(data []byte) { f.Add(data, 8) })
	f.Add(encode(configOf(tarOf())), 1)
	f.Add([]byte(`{"config":{"Healthcheck":{"Test":["NONE"],"Interval":1},"Shell":["sh"],"Env":null,"Labels":null,
		"ExposedPorts":{"80/tcp":{}},"Volumes":{"/v":{}}},"history":[{}],"rootfs":{"type":"layers"}}`), 0)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		config, docker, err := parseWholeConfig(data, n)
		if err != nil {
			return
		}
		if docker == nil || len(config.RootFS.DiffIDs) != n {
			t.Fatalf("%d diff IDs for %d layers", len(config.RootFS.DiffIDs), n)
		}
		for _, d := range config.RootFS.DiffIDs {
			testkit.Check(t, checkDigest(d))
		}
	})
}

// FuzzArchive opens any bytes as an archive: that ends, and each image has verified
// documents.
func FuzzArchive(f *testing.F) {
	layer := tarOf("a", "1")
	layout := archive{}
	layout.index(as(layout.image(layer), testOne))
	docker := dockerArchive(testOne, layer)
	f.Add(layout.tar())
	f.Add(docker.tar())
	f.Add(testkit.Gzip(docker.tar()))
	f.Add(zstandard(layout.tar()))
	f.Add(testkit.Tar(testkit.Link("manifest.json", "config.json"), testkit.Link("config.json", "manifest.json")))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Add([]byte("BZh91AY&SY"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := writeTemp(t, data)
		files, closer, err := openArchive(file, func(r io.Reader) (fs.FS, io.Closer, error) {
			return decompressToTemp(t.Context(), r)
		})
		if err != nil {
			return
		}
		defer closer.Close()
		checkFound(t, files)
	})
}

// FuzzIndex reads any index.json of a store, in which there are two documents: no
// command panics, and no path leaves the store.
func FuzzIndex(f *testing.F) {
	b := archive{}
	d := b.image(tarOf("a", "1"))
	f.Add(b.index(as(d, testOne))["index.json"])
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:../../..","size":1}]}`))
	addDocuments(f, func(data []byte) { f.Add(data) })
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := b.dir(t)
		testkit.Check(t, owned.Mark(dir, owned.Store))
		s, err := Open(dir)
		testkit.Check(t, err)
		testkit.Check(t, os.WriteFile(s.path(ocispec.ImageIndexFile), data, 0o644))
		use(t, s)
	})
}

// use calls what reads a store.
func use(t *testing.T, s *Store) {
	t.Helper()
	s.List()
	s.Inspect(testOne)
	s.Save(t.Context(), io.Discard, SaveOptions{Format: DockerArchive}, testOne)
	if src, err := s.OpenReadOnly(t.Context(), testOne, ""); err == nil {
		src.Indexes(t.Context())
		src.Close()
	}
	if _, err := s.Fsck(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// FuzzFsck replaces one file of a store by any bytes: fsck ends and reports no error of
// its own.
func FuzzFsck(f *testing.F) {
	names := []string{"index.json", "oci-layout", "manifest", "config", "blob", "size", "index"}
	for i := range names {
		f.Add(i, []byte{})
		f.Add(i, []byte("{}"))
		f.Add(i, []byte(`{"schemaVersion":2,"config":{}}`))
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		s := newStore(t)
		loadDocker(t, s, testOne, tarOf("a", "1"))
		image := mustImage(t, s, testOne)
		layer := filepath.Dir(s.layers.Path(image.Layers[0]))
		file := []string{
			s.path("index.json"), s.path("oci-layout"), s.blobPath(image.Manifest), s.blobPath(image.ID),
			s.blobPath(image.blobs[0].Digest), filepath.Join(layer, "size"), filepath.Join(layer, "index"),
		}[uint(which)%uint(len(names))]
		testkit.Check(t, os.WriteFile(file, data, 0o644))
		use(t, s)
	})
}
