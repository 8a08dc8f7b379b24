package images

// Rows 22 and 23 of HARDENING.md, and the fuzzing of manifests.

import (
	"bytes"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/minictr/minictr/internal/testkit"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// wantRefused loads an archive, and wants an error with word and an empty store.
func wantRefused(t *testing.T, b archive, word string) {
	t.Helper()
	s := newStore(t)
	_, err := s.Load(t.Context(), b.dir(t), LoadOptions{})
	testkit.WantError(t, "load", err, word)
	wantImages(t, s, 0)
	checkWhole(t, s)
}

func TestBombsRefused(t *testing.T) {
	layer := tarOf()
	t.Run("indexes nested deep", func(t *testing.T) {
		b := archive{}
		d := b.image(layer)
		for range maxDepth + 2 {
			d.Platform = &ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
			d = b.json(ocispec.MediaTypeImageIndex, indexOf(d))
		}
		wantRefused(t, b.index(d), "nested")
	})
	t.Run("a manifest of 4 MiB and more", func(t *testing.T) {
		b := archive{}
		d := b.blob(ocispec.MediaTypeImageManifest, bytes.Repeat([]byte(" "), maxManifest+1))
		wantRefused(t, b.index(d), "not between")
	})
	t.Run("an index.json of 4 MiB and more", func(t *testing.T) {
		b := archive{}.index()
		b["index.json"] = append(b["index.json"], bytes.Repeat([]byte(" "), maxManifest)...)
		wantRefused(t, b, "larger than")
	})
	t.Run("a config of 8 MiB and more", func(t *testing.T) {
		b := archive{}
		config := b.blob(ocispec.MediaTypeImageConfig, bytes.Repeat([]byte(" "), maxConfig+1))
		wantRefused(t, b.index(b.json(ocispec.MediaTypeImageManifest, manifestOf(config))), "not between")
	})
	t.Run("a docker config of 8 MiB and more", func(t *testing.T) {
		b := dockerArchive("a")
		b["config.json"] = bytes.Repeat([]byte(" "), maxConfig+1)
		wantRefused(t, b, "larger than")
	})
	t.Run("128 layers", func(t *testing.T) {
		var many [][]byte
		for range maxLayers + 1 {
			many = append(many, layer)
		}
		b := archive{}
		wantRefused(t, b.index(b.image(many...)), "128 layers exceed the limit of 127")
		wantRefused(t, dockerArchive("a", many[:26]...).withLayers(maxLayers+1), "128 layers exceed the limit of 127")
	})
	t.Run("an archive of more files than the limit", func(t *testing.T) {
		s := newStore(t)
		var files []string
		for i := range maxFiles + 1 {
			files = append(files, fmt.Sprint(i), "")
		}
		_, err := s.Load(t.Context(), writeTemp(t, tarOf(files...)), LoadOptions{})
		testkit.WantError(t, "load", err, "more than 65536 files")
	})
}

// withLayers returns the docker archive with n times its first layer.
func (a archive) withLayers(n int) archive {
	item := dockerItem{Config: "config.json", Layers: slices.Repeat([]string{"a/layer.tar"}, n)}
	a["manifest.json"] = encode([]dockerItem{item})
	return a
}

func TestMediaTypeConfusionRefused(t *testing.T) {
	layer, other := tarOf("a", "1"), tarOf("a", "2")
	type object = map[string]any
	for _, tt := range []struct {
		name string
		make func(b archive) ocispec.Descriptor // the manifest
		word string
	}{
		{"a digest that is a path", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			d.Digest = "sha256:../../../../../etc/passwd"
			return d
		}, "digest"},
		{"a digest of another algorithm", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			d.Digest = digest.SHA512.FromString("x")
			return d
		}, "only sha256"},
		{"a manifest of another size", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			d.Size++
			return d
		}, "size is not"},
		{"a manifest of another digest", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			b[blobFile(d.Digest)] = bytes.ToUpper(b[blobFile(d.Digest)])
			return d
		}, "digest is"},
		{"a manifest called an index", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			d.MediaType = ocispec.MediaTypeImageIndex
			return d
		}, "mediaType is"},
		{"a manifest that is also an index", func(b archive) ocispec.Descriptor {
			config := b.json(ocispec.MediaTypeImageConfig, configOf())
			return b.json(ocispec.MediaTypeImageManifest,
				object{"schemaVersion": 2, "config": config, "layers": []any{}, "manifests": []any{}})
		}, "another document type"},
		{"an index that is also a manifest", func(b archive) ocispec.Descriptor {
			return b.json(ocispec.MediaTypeImageIndex,
				object{"schemaVersion": 2, "manifests": []any{b.image(layer)}, "layers": []any{}})
		}, "another document type"},
		{"an unknown type", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			d.MediaType = "application/json"
			return d
		}, "neither"},
		{"a layer of an unknown type", func(b archive) ocispec.Descriptor {
			return b.imageOf(configOf(layer), b.blob("text/plain", layer))
		}, "layer media type"},
		{"a config of another type", func(b archive) ocispec.Descriptor {
			config := b.json("application/vnd.oci.empty.v1+json", object{})
			return b.json(ocispec.MediaTypeImageManifest, manifestOf(config))
		}, "no image config"},
		{"a config for another number of layers", func(b archive) ocispec.Descriptor {
			return b.imageOf(configOf(layer, other), b.blob(ocispec.MediaTypeImageLayer, layer))
		}, "diff IDs for 1"},
		{"a config of another layer", func(b archive) ocispec.Descriptor {
			return b.imageOf(configOf(other), b.blob(ocispec.MediaTypeImageLayer, layer))
		}, "diff ID"},
		{"a diff ID that is a path", func(b archive) ocispec.Descriptor {
			c := configOf(layer)
			c.RootFS.DiffIDs[0] = "sha256:../../x"
			return b.imageOf(c, b.blob(ocispec.MediaTypeImageLayer, layer))
		}, "digest"},
		{"a layer of another digest", func(b archive) ocispec.Descriptor {
			d := b.image(layer)
			for name, data := range b {
				if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
					b[name] = append(testkit.Gzip(nil), data...) // the same tar, other bytes
				}
			}
			return d
		}, "bytes, its descriptor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := archive{}
			wantRefused(t, b.index(tt.make(b)), tt.word)
		})
	}
	t.Run("a docker archive with another layer", func(t *testing.T) {
		b := dockerArchive("a", layer)
		b["a/layer.tar"] = other
		wantRefused(t, b, "diff ID")
	})
	t.Run("a docker archive with a path outside", func(t *testing.T) {
		b := dockerArchive("a", layer)
		b["manifest.json"] = []byte(`[{"Config":"../../../../../../etc/passwd","Layers":[]}]`)
		wantRefused(t, b, "etc/passwd")
	})
}

// A layer of the store is used only if store and archive agree on its blob.
func TestKnownLayerNeedsItsBlob(t *testing.T) {
	layer, other := tarOf("a", "1"), tarOf("a", "2")
	s := newStore(t)
	b := archive{}
	b.index(as(b.image(layer), "good"))
	mustLoad(t, s, b.dir(t))

	liar := archive{}
	liar.index(as(liar.imageOf(configOf(layer), liar.blob(ocispec.MediaTypeImageLayer, other)), "bad"))
	if names, err := s.Load(t.Context(), liar.dir(t), LoadOptions{}); err == nil {
		t.Errorf("loaded %q", names)
	}
}

// FuzzManifest finds the images of any documents: that does not panic, and each digest
// is valid.
func FuzzManifest(f *testing.F) {
	b := archive{}
	d := b.image(tarOf())
	f.Add(b[blobFile(d.Digest)], b.index(d)["index.json"])
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:../..","size":-1}]}`),
		[]byte(`[{"Config":"a","Layers":["../x"]}]`))
	addDocuments(f, func(data []byte) { f.Add(data, data) })
	f.Fuzz(func(t *testing.T, document, list []byte) {
		files := make(fstest.MapFS)
		for name, data := range b {
			files[name] = &fstest.MapFile{Data: data}
		}
		files[blobFile(digest.FromBytes(document))] = &fstest.MapFile{Data: document}
		for _, mediaType := range []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex} {
			files["index.json"] = &fstest.MapFile{Data: encode(indexOf(describe(mediaType, document)))}
			checkFound(t, files)
		}
		files["index.json"] = &fstest.MapFile{Data: list}
		checkFound(t, files)
		delete(files, "oci-layout")
		files["manifest.json"] = &fstest.MapFile{Data: list}
		checkFound(t, files)
	})
}

func checkFound(t *testing.T, files fs.FS) {
	found, err := findImages(files, thisMachine())
	if err != nil {
		return
	}
	for _, c := range found {
		if digest.FromBytes(c.configJSON) != c.config.Digest ||
			c.manifestJSON != nil && digest.FromBytes(c.manifestJSON) != c.manifest.Digest {
			t.Fatalf("image %s, config %s: another digest", c.manifest.Digest, c.config.Digest)
		}
		for _, l := range c.layers {
			valid := checkDigest(l.DiffID) == nil && (l.Blob == "" || checkDigest(l.Blob) == nil)
			if !valid || !fs.ValidPath(l.File) {
				t.Fatalf("layer %+v", l)
			}
		}
	}
}
