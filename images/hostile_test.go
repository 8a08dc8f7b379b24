package images

// Rows 22 and 23 of HARDENING.md, and the fuzzing of manifests.

import (
	"bytes"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// refuse loads an archive and wants an error with a word in it, and an empty
// store after it.
func wantRefused(t *testing.T, b archive, word string) {
	t.Helper()
	s := newStore(t)
	_, err := s.Load(t.Context(), b.dir(t), LoadOptions{})
	if err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("got %v, want an error with %q", err, word)
	}
	if list, err := s.List(); err != nil || len(list) > 0 {
		t.Errorf("images: %v, %v", list, err)
	}
	checkWhole(t, s)
}

func TestBombsRefused(t *testing.T) {
	layer := tarOf(t, nil)
	index := func(d ...ocispec.Descriptor) ocispec.Index {
		i := ocispec.Index{MediaType: ocispec.MediaTypeImageIndex, Manifests: d}
		i.SchemaVersion = 2
		return i
	}
	t.Run("indexes nested deep", func(t *testing.T) {
		b := archive{}
		d := b.image(t, layer)
		for range maxDepth + 2 {
			d.Platform = &ocispec.Platform{OS: runtime.GOOS, Architecture: runtime.GOARCH}
			d = b.json(t, ocispec.MediaTypeImageIndex, index(d))
		}
		wantRefused(t, b.index(t, d), "nested")
	})
	t.Run("a manifest of 4 MiB and more", func(t *testing.T) {
		b := archive{}
		d := b.blob(ocispec.MediaTypeImageManifest, bytes.Repeat([]byte(" "), maxManifest+1))
		wantRefused(t, b.index(t, d), "not between")
	})
	t.Run("an index.json of 4 MiB and more", func(t *testing.T) {
		b := archive{}.index(t)
		b["index.json"] = append(b["index.json"], bytes.Repeat([]byte(" "), maxManifest)...)
		wantRefused(t, b, "larger than")
	})
	t.Run("a config of 8 MiB and more", func(t *testing.T) {
		b := archive{}
		config := b.blob(ocispec.MediaTypeImageConfig, bytes.Repeat([]byte(" "), maxConfig+1))
		wantRefused(t, b.index(t, b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config))), "not between")
	})
	t.Run("a docker config of 8 MiB and more", func(t *testing.T) {
		b := dockerArchive(t, "a")
		b["config.json"] = bytes.Repeat([]byte(" "), maxConfig+1)
		wantRefused(t, b, "larger than")
	})
	t.Run("128 layers", func(t *testing.T) {
		var many [][]byte
		for range maxLayers + 1 {
			many = append(many, layer)
		}
		b := archive{}
		wantRefused(t, b.index(t, b.image(t, many...)), "128 layers exceed the limit of 127")
		wantRefused(t, dockerArchive(t, "a", many[:26]...).withLayers(t, maxLayers+1), "128 layers exceed the limit of 127")
	})
	t.Run("an archive of very many files", func(t *testing.T) {
		s := newStore(t)
		names := make(map[string]string)
		for i := range maxFiles + 1 {
			names[fmt.Sprint(i)] = ""
		}
		if _, err := s.Load(t.Context(), writeTemp(t, tarOf(t, names)), LoadOptions{}); err == nil || !strings.Contains(err.Error(), "more than 65536 files") {
			t.Errorf("got %v", err)
		}
	})
}

// withLayers makes a docker archive's manifest.json name its first layer n
// times.
func (b archive) withLayers(t *testing.T, n int) archive {
	var files []string
	for range n {
		files = append(files, "a/layer.tar")
	}
	b["manifest.json"] = encode(t, []map[string]any{{"Config": "config.json", "Layers": files}})
	return b
}

func TestMediaTypeConfusionRefused(t *testing.T) {
	layer, other := tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"a": "2"})
	type object = map[string]any
	for _, tt := range []struct {
		name string
		make func(b archive) ocispec.Descriptor // the manifest
		word string
	}{
		{"a digest that is a path", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			d.Digest = "sha256:../../../../../etc/passwd"
			return d
		}, "digest"},
		{"a digest of another algorithm", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			d.Digest = digest.SHA512.FromString("x")
			return d
		}, "only sha256"},
		{"a manifest of another size", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			d.Size++
			return d
		}, "size is not"},
		{"a manifest of another digest", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			b[blobFile(d.Digest)] = bytes.ToUpper(b[blobFile(d.Digest)])
			return d
		}, "digest is"},
		{"a manifest called an index", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			d.MediaType = ocispec.MediaTypeImageIndex
			return d
		}, "mediaType is"},
		{"a manifest that is also an index", func(b archive) ocispec.Descriptor {
			config := b.json(t, ocispec.MediaTypeImageConfig, configOf())
			return b.json(t, ocispec.MediaTypeImageManifest, object{"schemaVersion": 2, "config": config, "layers": []any{}, "manifests": []any{}})
		}, "another document type"},
		{"an index that is also a manifest", func(b archive) ocispec.Descriptor {
			return b.json(t, ocispec.MediaTypeImageIndex, object{"schemaVersion": 2, "manifests": []any{b.image(t, layer)}, "layers": []any{}})
		}, "another document type"},
		{"a type nobody knows", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			d.MediaType = "application/json"
			return d
		}, "neither"},
		{"a layer of a type nobody knows", func(b archive) ocispec.Descriptor {
			config := b.json(t, ocispec.MediaTypeImageConfig, configOf(layer))
			return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob("text/plain", layer)))
		}, "layer media type"},
		{"a config that is none", func(b archive) ocispec.Descriptor {
			config := b.json(t, "application/vnd.oci.empty.v1+json", object{})
			return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config))
		}, "no image config"},
		{"a config for another number of layers", func(b archive) ocispec.Descriptor {
			config := b.json(t, ocispec.MediaTypeImageConfig, configOf(layer, other))
			return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob(ocispec.MediaTypeImageLayer, layer)))
		}, "diff IDs for 1"},
		{"a config of another layer", func(b archive) ocispec.Descriptor {
			config := b.json(t, ocispec.MediaTypeImageConfig, configOf(other))
			return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob(ocispec.MediaTypeImageLayer, layer)))
		}, "diff ID"},
		{"a diff ID that is a path", func(b archive) ocispec.Descriptor {
			c := configOf(layer)
			c.RootFS.DiffIDs[0] = "sha256:../../x"
			config := b.json(t, ocispec.MediaTypeImageConfig, c)
			return b.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, b.blob(ocispec.MediaTypeImageLayer, layer)))
		}, "digest"},
		{"a layer of another digest", func(b archive) ocispec.Descriptor {
			d := b.image(t, layer)
			for name, data := range b {
				if bytes.HasPrefix(data, []byte("\x1f\x8b")) {
					b[name] = append(gzipped(t, nil), data...) // the same tar, other bytes
				}
			}
			return d
		}, "bytes, its descriptor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := archive{}
			wantRefused(t, b.index(t, tt.make(b)), tt.word)
		})
	}
	t.Run("a docker archive with another layer", func(t *testing.T) {
		b := dockerArchive(t, "a", layer)
		b["a/layer.tar"] = other
		wantRefused(t, b, "diff ID")
	})
	t.Run("a docker archive that looks outside", func(t *testing.T) {
		b := dockerArchive(t, "a", layer)
		b["manifest.json"] = []byte(`[{"Config":"../../../../../../etc/passwd","Layers":[]}]`)
		wantRefused(t, b, "etc/passwd")
	})
}

// A layer that is here already is believed only where store and archive agree
// which blob it came from.
func TestKnownLayerNeedsItsBlob(t *testing.T) {
	layer, other := tarOf(t, map[string]string{"a": "1"}), tarOf(t, map[string]string{"a": "2"})
	s := newStore(t)
	b := archive{}
	b.index(t, as(b.image(t, layer), "good"))
	mustLoad(t, s, b.dir(t))

	liar := archive{}
	config := liar.json(t, ocispec.MediaTypeImageConfig, configOf(layer))
	liar.index(t, as(liar.json(t, ocispec.MediaTypeImageManifest, manifestOf(config, liar.blob(ocispec.MediaTypeImageLayer, other))), "bad"))
	if names, err := s.Load(t.Context(), liar.dir(t), LoadOptions{}); err == nil {
		t.Errorf("loaded %q", names)
	}
}

// FuzzManifest: no document makes the search for images crash, or yields an
// image with a digest that is none.
func FuzzManifest(f *testing.F) {
	b := archive{}
	d := b.image(f, tarOf(f, nil))
	f.Add(b[blobFile(d.Digest)], b.index(f, d)["index.json"])
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:../..","size":-1}]}`), []byte(`[{"Config":"a","Layers":["../x"]}]`))
	f.Fuzz(func(t *testing.T, document, list []byte) {
		files := make(fstest.MapFS)
		for name, data := range b {
			files[name] = &fstest.MapFile{Data: data}
		}
		files[blobFile(digest.FromBytes(document))] = &fstest.MapFile{Data: document}
		for _, mediaType := range []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex} {
			files["index.json"] = &fstest.MapFile{Data: encode(t, ocispec.Index{
				Versioned: manifestOf(d).Versioned, MediaType: ocispec.MediaTypeImageIndex,
				Manifests: []ocispec.Descriptor{describe(mediaType, document)},
			})}
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
	found, err := findImages(files)
	if err != nil {
		return
	}
	for _, c := range found {
		for _, l := range c.layers {
			if checkDigest(l.DiffID) != nil || l.Blob != "" && checkDigest(l.Blob) != nil || !fs.ValidPath(l.File) {
				t.Fatalf("layer %+v", l)
			}
		}
	}
}
